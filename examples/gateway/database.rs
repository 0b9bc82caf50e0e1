//! Flags for where entities are kept, with Kong's names for those of PostgreSQL; and what can be done
//! with a database beside serving what is in it.

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::BoxError;
use crate::configured::store::{Address, Cached, Migrations};
use crate::flags::{number, on_or_off};
use crate::terminal::say;

/// Where entities are kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct DatabaseConfig {
    /// Where the Admin API keeps what it changes: a file, made if it is not there; a PostgreSQL server
    /// that gateways share, as a URL or, if it is `postgres`, as the flags with `pg` say; or `off`. The
    /// default with a declarative file is `off`, and `sqlite:gateway.db` without.
    #[arg(long, env = "KONG_DATABASE", value_name = "sqlite:FILE|postgres://…")]
    database: Option<String>,

    /// A file that keeps what is in force, for a gateway that starts while its PostgreSQL server is
    /// away.
    #[arg(long, env = "KONG_SNAPSHOT_CACHE", value_name = "FILE")]
    snapshot_cache: Option<PathBuf>,

    /// The PostgreSQL server, or the directory of its socket.
    #[arg(long, env = "KONG_PG_HOST", default_value = "127.0.0.1", value_name = "HOST")]
    pg_host: String,

    /// Its port.
    #[arg(
        long,
        env = "KONG_PG_PORT",
        default_value_t = 5432,
        value_parser = number(1..=u16::MAX),
        allow_negative_numbers = true,
        value_name = "PORT"
    )]
    pg_port: u16,

    /// Who the gateway is there.
    #[arg(long, env = "KONG_PG_USER", default_value = "kong", value_name = "USER")]
    pg_user: String,

    /// The password, if one is needed.
    #[arg(long, env = "KONG_PG_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pg_password: Option<String>,

    /// The database on that server.
    #[arg(long, env = "KONG_PG_DATABASE", default_value = "kong", value_name = "NAME")]
    pg_database: String,

    /// The schema in that database.
    #[arg(long, env = "KONG_PG_SCHEMA", value_name = "NAME")]
    pg_schema: Option<String>,

    /// Whether TLS is a must.
    #[arg(
        long,
        env = "KONG_PG_SSL",
        action = ArgAction::Set,
        default_value = "off",
        value_parser = on_or_off,
        value_name = "on|off"
    )]
    pg_ssl: bool,

    /// Whether its certificate must be of an authority that browsers believe.
    #[arg(
        long,
        env = "KONG_PG_SSL_VERIFY",
        action = ArgAction::Set,
        default_value = "off",
        value_parser = on_or_off,
        value_name = "on|off"
    )]
    pg_ssl_verify: bool,
}

/// What `--database` says.
pub(crate) enum Said {
    Nothing,
    Off,
    At(Address),
}

/// What can be done with migrations.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Make the tables, or bring them up to date.
    #[command(alias = "bootstrap", alias = "finish")]
    Up,
    /// Say which steps there are, and which have been taken.
    List,
}

impl DatabaseConfig {
    /// What `--database` says.
    ///
    /// # Errors
    ///
    /// When it is not the address of a database, or goes with another flag.
    pub(crate) fn said(&self) -> Result<Said, BoxError> {
        let said = match self.database.as_deref() {
            None => Said::Nothing,
            Some("off") => Said::Off,
            Some("postgres") => Said::At(self.postgres().parse()?),
            Some(url) => Said::At(url.parse()?),
        };
        let is_shared = matches!(&said, Said::At(address) if address.is_shared());
        if self.snapshot_cache.is_some() && !is_shared {
            return Err("--snapshot-cache is for a database on a PostgreSQL server".into());
        }
        Ok(said)
    }

    /// Where what is in force is kept.
    pub(crate) fn cached(&self) -> Option<Cached> {
        self.snapshot_cache.clone().map(Cached::new)
    }

    /// What the flags with `pg` say, as a URL.
    fn postgres(&self) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let user = encoded(&self.pg_user);
        let password =
            self.pg_password.as_deref().map(|password| format!(":{}", encoded(password)));
        let mode = match (self.pg_ssl, self.pg_ssl_verify) {
            (false, _) => "prefer",
            (true, false) => "require",
            (true, true) => "verify-full",
        };
        let (host, port, name) = (encoded(&self.pg_host), self.pg_port, encoded(&self.pg_database));
        let schema = self.pg_schema.as_deref();
        let schema = schema.map(|schema| format!("&options[search_path]={}", encoded(schema)));
        format!(
            "postgres://{user}{}@{host}:{port}/{name}?sslmode={mode}{}",
            password.unwrap_or_default(),
            schema.unwrap_or_default()
        )
    }
}

impl Action {
    /// Does it with the database at `address`.
    pub(crate) async fn run(&self, address: Option<Address>) -> Result<(), BoxError> {
        let address = address.ok_or("there is no database: give one with --database")?;
        if matches!(self, Self::Up) {
            Migrations::take(&address).await?;
        }
        for (number, (name, is_taken)) in Migrations::of(&address).await?.steps.iter().enumerate() {
            let state = if *is_taken { "done" } else { "to be done" };
            say(format_args!("{}  {name}  {state}", number + 1));
        }
        Ok(())
    }
}
