//! The two plugins.

/// Which of Kong's serverless-functions plugins a layer stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Plugin {
    /// `pre-function`: before all other plugins, in every phase.
    PreFunction,
    /// `post-function`: after all other plugins, in every phase.
    PostFunction,
}

impl Plugin {
    pub(crate) const COUNT: usize = 2;

    /// The plugin's name in Kong's configuration and in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreFunction => "pre-function",
            Self::PostFunction => "post-function",
        }
    }

    /// The plugin's priority among Kong's plugins: higher runs earlier.
    #[must_use]
    pub const fn priority(self) -> i32 {
        match self {
            Self::PreFunction => 1_000_000,
            Self::PostFunction => -1000,
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl std::fmt::Display for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
