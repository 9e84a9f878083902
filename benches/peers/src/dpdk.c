/* What the rival needs of DPDK, as functions. */
#include <stdio.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

/* Starts the environment: no huge pages, no devices, this thread on any core. */
int peers_dpdk_start(void)
{
	char *args[] = { "peers", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "2048",
			 "--log-level", "lib.*:error", "--lcores", "0@(0-1)" };
	return rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0 ? rte_errno : 0;
}

/* A thread without a number has no cache in a mempool. */
int peers_dpdk_thread(void)
{
	return rte_lcore_id() == LCORE_ID_ANY ? rte_thread_register() : 0;
}

/* A mempool of small objects over `ops`, or of packet buffers, with caches of 512. */
void *peers_dpdk_pool(const char *ops, int mbufs, unsigned count)
{
	static unsigned number;
	char name[32];
	struct rte_mempool *pool;

	snprintf(name, sizeof(name), "peers%u", number++);
	if (mbufs)
		return rte_pktmbuf_pool_create_by_ops(name, count, 512, 0, RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY, ops);
	pool = rte_mempool_create_empty(name, count, 64, 512, 0, SOCKET_ID_ANY, 0);
	if (pool == NULL)
		return NULL;
	if (rte_mempool_set_ops_byname(pool, ops, NULL) < 0 || rte_mempool_populate_default(pool) < 0) {
		rte_mempool_free(pool);
		return NULL;
	}
	return pool;
}

int peers_dpdk_errno(void)
{
	return rte_errno;
}

void peers_dpdk_end(void *pool)
{
	rte_mempool_free(pool);
}

int peers_dpdk_get(void *pool, void **objects, unsigned n)
{
	return rte_mempool_get_bulk(pool, objects, n);
}

void peers_dpdk_put(void *pool, void **objects, unsigned n)
{
	rte_mempool_put_bulk(pool, objects, n);
}

int peers_dpdk_alloc(void *pool, void **buffers, unsigned n)
{
	return rte_pktmbuf_alloc_bulk(pool, (struct rte_mbuf **)buffers, n);
}

void peers_dpdk_free(void **buffers, unsigned n)
{
	rte_pktmbuf_free_bulk((struct rte_mbuf **)buffers, n);
}
