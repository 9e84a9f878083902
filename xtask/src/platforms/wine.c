/* What programs of Rust load, and wine before version 9 does not have: random bytes, by another library of Windows. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T n) {
    return SystemFunction036(bytes, (ULONG)n);
}
