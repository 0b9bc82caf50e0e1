//! Function sets: how they are made, and how their functions run one after the other.

mod build;
mod certificate;
mod config;
mod directory;
mod observer;
mod run;
mod slow;
mod unheard;
