//! What the service says of itself: the live page, its figures, and those for Prometheus.

use std::sync::atomic::Ordering;

use pagesheaf::{Pool, Stats};
use serde_json::{Value, json};

use super::server::Service;
use super::staging::Staging;

/// Paths that no upload can have.
pub const NAMES: [&str; 4] = ["/", "/pool.json", "/metrics", "/favicon.ico"];

const HTML: &str = include_str!("../page.html");

/// One of these pages, with its type.
pub fn page<S: Staging>(service: &Service<S>, path: &str) -> Option<(&'static str, String)> {
    let pool = service.staging.pool();
    Some(match path {
        "/" => ("text/html; charset=utf-8", HTML.to_owned()),
        "/pool.json" => ("application/json", figures(service, pool?).to_string()),
        "/metrics" => ("text/plain; version=0.0.4", metrics(pool?)?),
        _ => return None,
    })
}

fn metrics(pool: &Pool) -> Option<String> {
    let (whole, caches) = ([("uploads", pool.stats()?)], [("uploads", pool)]);
    Some(format!("{}{}", Stats::prometheus(&whole), Pool::prometheus_by_cache(&caches)))
}

fn figures<S: Staging>(service: &Service<S>, pool: &Pool) -> Value {
    let line = &service.line;
    let (names, bytes) = service.stored();
    let holders = pool.holders().map(|holder| {
        json!({
            "number": holder.number,
            "name": holder.name,
            "state": holder.state.to_string(),
            "pages": holder.pages,
        })
    });
    let mut stats = serde_json::Map::new();
    if let Some(figures) = pool.stats() {
        figures.each(|name, _, value| _ = stats.insert(name.to_owned(), value.into()));
    }
    json!({
        "mode": pool.mode().to_string(),
        "page_size": pool.page_size(),
        "purgeable": pool.region_info().purgeable,
        "taint": pool.taint().map(|taint| taint.to_string()),
        "stats": stats,
        "holders": holders.collect::<Vec<_>>(),
        "line": {
            "waiting": line.waiting(),
            "granted": line.granted.load(Ordering::Relaxed),
            "left": line.left.load(Ordering::Relaxed),
            "late": line.late.load(Ordering::Relaxed),
            "reasons": line.reasons(),
        },
        "stored": { "names": names, "bytes": bytes },
    })
}
