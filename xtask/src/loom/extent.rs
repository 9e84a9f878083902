//! How far models are explored: as their bounds say, deeper, or less far for the gate.

use std::process::Command;

use super::report::Known;
use super::trial::Test;

/// A model with more executions than this takes more than a second.
const LONG: u64 = 1_000;

/// One with more than this still does if threads are interrupted once.
const LONGER: u64 = 100_000;
/// And one that has more than this although they are interrupted only once.
const LONG_ALREADY: u64 = 10_000;

/// How far a run explores the models.
pub enum Extent {
    /// Each model as far as its bound says.
    Whole,
    /// Threads of composite models are interrupted three times at the most.
    Deep,
    /// Threads of every model are interrupted at most twice; at most once, or only where they end, where these figures,
    /// of models and their modes, say that it has many executions.
    Short(Known),
}

impl Extent {
    /// Tells the program of the models how often threads may be interrupted in this one.
    pub fn tell(&self, test: &Test, models: &mut Command) {
        match self.most(test) {
            Some(most) => models.env("LOOM_MAX_PREEMPTIONS", most.to_string()),
            None => models.env_remove("LOOM_MAX_PREEMPTIONS"),
        };
        match self {
            Extent::Short(_) => models.env("PAGESHEAF_SHORT", "1"),
            Extent::Whole | Extent::Deep => models.env_remove("PAGESHEAF_SHORT"),
        };
    }

    fn most(&self, test: &Test) -> Option<u32> {
        match self {
            Extent::Whole => None,
            Extent::Deep => Some(3),
            Extent::Short(known) => {
                // What the table does not know is not known to take long.
                let known = known.get(test.model()).and_then(|modes| modes.get(test.mode()));
                let Some(known) = known else { return Some(2) };
                let longer = if known.once { LONG_ALREADY } else { LONGER };
                Some(match known.executions {
                    count if count > longer => 0,
                    count if count > LONG => 1,
                    _ => 2,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::report::Explored;
    use super::*;

    /// How a short run bounds the models `a`, of which this is known, and `b`, of which nothing is.
    fn most(once: bool, modes: [(&str, u64); 3]) -> impl Fn(&str, &str) -> Option<u32> {
        let modes = modes.map(|(mode, executions)| (mode.into(), Explored { once, executions }));
        let short = Extent::Short(BTreeMap::from([("a".into(), BTreeMap::from(modes))]));
        move |model, mode| short.most(&Test::new("zone", model, mode))
    }

    #[test]
    fn a_short_run_interrupts_less_where_a_model_takes_long() {
        let most = most(false, [("bare", LONG), ("checked", LONG + 1), ("compact", LONGER + 1)]);
        let all = ["bare", "checked", "compact", "hardened"].map(|mode| most("a", mode));
        assert_eq!(all, [2, 1, 0, 2].map(Some));
        assert_eq!(most("b", "checked"), Some(2));
    }

    #[test]
    fn a_model_that_takes_long_with_one_interruption_has_none_in_a_short_run() {
        let known = [("bare", LONG), ("checked", LONG_ALREADY), ("compact", LONG_ALREADY + 1)];
        let most = most(true, known);
        assert_eq!(["bare", "checked", "compact"].map(|mode| most("a", mode)), [2, 1, 0].map(Some));
    }
}
