//! How long whoever is asked to stop waits for what is on its way: a slow line would keep it for minutes, and who waits for it would kill it.

use std::{future::Future, pin::pin, time::Duration};

use tokio::time::timeout;

/// Says whether somebody asked to stop.
pub(super) type Stops<'a> = &'a dyn Fn() -> bool;

/// So often that is asked.
const BEAT: Duration = Duration::from_millis(100);
/// So long what has left may take to be there. What is given up then and got there all the same, the next run finds.
const GRACE: Duration = Duration::from_secs(1);

/// What comes of it; None where it is given up.
pub(super) async fn unless<T>(stops: Stops<'_>, call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    loop {
        let last = stops();
        match timeout(if last { GRACE } else { BEAT }, &mut call).await {
            Ok(came) => return Some(came),
            Err(_) if last => return None,
            Err(_) => {}
        }
    }
}
