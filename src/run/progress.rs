//! What to say while working: bars on a terminal, silence elsewhere. Never part of the result.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Bars on standard error, or nothing.
#[derive(Clone)]
pub struct Progress(Option<MultiProgress>);

/// One bar; dropping it removes it.
pub struct Bar(Option<(MultiProgress, ProgressBar)>);

impl Progress {
    /// Says nothing.
    pub fn silent() -> Progress {
        Progress(None)
    }

    /// Draws on standard error, which must be a terminal.
    pub fn on_terminal() -> Progress {
        Progress(Some(MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8))))
    }

    /// A bar over `total` bytes of work on `what`.
    pub fn bytes(&self, what: &str, total: u64) -> Bar {
        let style = "{wide_msg} {bytes:>10} / {total_bytes:<10} {bar:24} {eta:>4}";
        self.bar(style, what, total)
    }

    /// A bar over `total` items.
    pub fn items(&self, what: &str, total: u64) -> Bar {
        self.bar("{wide_msg} {pos:>8} / {len:<8} {bar:24} {eta:>4}", what, total)
    }

    fn bar(&self, style: &str, what: &str, total: u64) -> Bar {
        Bar(self.0.as_ref().map(|all| {
            let style = ProgressStyle::with_template(style).expect("the templates are constants");
            let bar = all.add(ProgressBar::new(total)).with_style(style);
            bar.set_message(crate::report::safe(what));
            (all.clone(), bar)
        }))
    }
}

impl Bar {
    /// So much more is done.
    pub fn advance(&self, amount: u64) {
        if let Some((_, bar)) = &self.0 {
            bar.inc(amount);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((all, bar)) = &self.0 {
            bar.finish_and_clear();
            all.remove(bar);
        }
    }
}
