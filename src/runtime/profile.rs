//! Where functions spend their time.

use std::sync::Arc;
use std::time::Duration;

use super::Runtime;
use crate::lua::Profile;

impl Runtime {
    /// Finds out where functions spend their time, for so long: which lines they are on when the hook looks
    /// that bounds their [`Budget`](crate::Budget). Time that they wait is nobody's. Without a limit on
    /// time there is no hook, and nothing is found out.
    ///
    /// It is `None` where another profile is being made at this moment. Dropping the future ends it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_lua::Runtime;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower_lua::Error> {
    /// let runtime = Runtime::builder().build()?;
    /// let profile = runtime.profile(Duration::from_millis(10)).await;
    /// print!("{}", profile.unwrap_or_default().folded());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn profile(&self, time: Duration) -> Option<Profile> {
        let sampler = Arc::clone(&self.settings().sampler);
        let sampling = sampler.begin()?;
        tokio::time::sleep(time).await;
        Some(sampling.end())
    }
}
