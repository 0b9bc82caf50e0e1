//! [`Told`]: what functions of this gateway tell those of others.

use std::fmt::Display;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tower_lua::{ClusterEvent, RuntimeBuilder};

use crate::configured::store::Notice;

/// What is to be told, in its order.
pub(crate) struct Told {
    notices: mpsc::Receiver<(Notice, Duration)>,
    /// What is held back for a while.
    later: JoinSet<Notice>,
}

/// How much may wait at once, and how much may be held back.
const MOST: usize = 1024;

impl Told {
    /// Lets functions tell those of other gateways something, if there are others.
    pub(crate) fn by(builder: RuntimeBuilder, has_others: bool) -> (RuntimeBuilder, Option<Self>) {
        if !has_others {
            return (builder, None);
        }
        let (tell, notices) = mpsc::channel(MOST);
        let tell = move |notice: Notice, delay| {
            notice.fits()?;
            tell.try_send((notice, delay)).map_err(|_| "too much is to be told at once".to_owned())
        };
        let of_keys = tell.clone();
        let builder = builder.invalidated(move |key| {
            if let Err(error) = of_keys(Notice::Invalid(key.to_vec()), Duration::ZERO) {
                complain(&Notice::Invalid(Vec::new()), &error);
            }
        });
        let builder = builder.broadcast(move |event| {
            let ClusterEvent { channel, data, delay, .. } = event;
            tell(Notice::Event(channel, data), delay)
        });
        (builder, Some(Self { notices, later: JoinSet::new() }))
    }

    /// What is to be told next; nothing is lost if nobody waits for it to the end.
    pub(super) async fn next(&mut self) -> Notice {
        loop {
            tokio::select! {
                Some((notice, delay)) = self.notices.recv() => {
                    if delay.is_zero() {
                        return notice;
                    }
                    self.hold_back(notice, delay);
                }
                Some(Ok(notice)) = self.later.join_next() => return notice,
                else => std::future::pending().await,
            }
        }
    }

    fn hold_back(&mut self, notice: Notice, delay: Duration) {
        if self.later.len() == MOST {
            return complain(&notice, &format!("{MOST} are held back already"));
        }
        self.later.spawn(async move {
            tokio::time::sleep(delay).await;
            notice
        });
    }
}

/// Says what others will not hear of.
pub(super) fn complain(notice: &Notice, error: &dyn Display) {
    let what = match notice {
        Notice::Invalid(_) => "keep what kong.cache:invalidate was called for",
        Notice::Event(..) => "do not hear of an event of kong.cluster_events:broadcast",
    };
    tracing::warn!("other gateways {what}: {error}");
}
