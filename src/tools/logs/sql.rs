//! `sql`: what makes a table of a store in another engine, one row for each line. Only text: it asks neither the store nor the engine,
//! and lets none of them look below a name that holds no logs.

use std::fmt::Write;

use clap::ValueEnum;

use crate::{
    failure::{Exit, Failure, Result},
    report::Report,
    run::Run,
    store::{Address, Terms},
    tool::Query,
};

/// Who is to read the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// `DuckDB`: a view.
    Duckdb,
    /// Amazon Athena: an external table that needs no partitions to be added.
    Athena,
    /// Trino with its Hive connector: an external table.
    Trino,
}

/// `ops-logs sql ENGINE`.
pub struct Sql {
    /// Who is to read it.
    pub engine: Engine,
    /// The store.
    pub store: Address,
    /// How its bucket is reached.
    pub terms: Terms,
    /// Who ships there, as its keys spell it; empty where nobody knows.
    pub services: Vec<String>,
}

impl Query for Sql {
    fn schema(&self) -> Option<&'static str> {
        None
    }

    fn answer(&self, run: &Run) -> Result<Report> {
        run.out.write(&self.text()?)?;
        Ok(Report::default())
    }
}

impl Sql {
    fn text(&self) -> Result<String> {
        match (self.engine, &self.store) {
            (Engine::Duckdb, _) => Ok(self.duckdb()),
            (_, Address::Folder(_)) => {
                let refused = Failure::new("make a table of", &self.store).because("that engine reads buckets only");
                Err(refused.hint("ops-logs sql duckdb").exit(Exit::BadInput))
            }
            (Engine::Athena, Address::Bucket { .. }) => Ok(self.athena()),
            (Engine::Trino, Address::Bucket { .. }) => Ok(self.trino()),
        }
    }

    /// Where the objects are that hold logs. Manifests are beside it.
    fn logs(&self) -> String {
        match &self.store {
            Address::Folder(path) => format!("{}/logs", path.display()),
            Address::Bucket { .. } => format!("{}/logs", self.store),
        }
    }

    fn duckdb(&self) -> String {
        let objects = quoted(&format!("{}/service=*/dt=*/hour=*/[!.]*", literal(&self.logs())));
        format!(
            "{}\
-- One row for each line; an empty one too. A lone carriage return counts as the end of a line, and one before the end of a
-- line is left out. A line that is no UTF-8 ends the query: encoding = 'latin-1' reads any byte.
CREATE OR REPLACE VIEW logs AS
SELECT coalesce(line, '') AS line, service, dt, hour, filename AS object
FROM read_csv({objects},
    columns = {{'line': 'VARCHAR'}}, auto_detect = false, header = false, strict_mode = false,
    delim = E'\\x1f\\x1e', quote = '', escape = '', new_line = '\\r\\n',
    filename = true, hive_partitioning = true,
    hive_types = {{'service': 'VARCHAR', 'dt': 'DATE', 'hour': 'VARCHAR'}});
SELECT service, dt, count(*) AS lines FROM logs GROUP BY ALL ORDER BY ALL;
",
            self.secret()
        )
    }

    /// How `DuckDB` finds its way into the bucket.
    fn secret(&self) -> String {
        let Address::Bucket { .. } = &self.store else { return String::new() };
        let mut words = format!("TYPE s3, PROVIDER credential_chain, SCOPE {}", quoted(&self.store.to_string()));
        let mut say = |word: &str, value: &str| {
            let _ = write!(words, ", {word} {}", quoted(value));
        };
        if let Some(region) = &self.terms.region {
            say("REGION", region);
        }
        if let Some((scheme, host)) = self.terms.endpoint.as_deref().and_then(|endpoint| endpoint.split_once("://")) {
            say("ENDPOINT", host.trim_end_matches('/'));
            say("USE_SSL", if scheme == "http" { "false" } else { "true" });
        }
        if self.terms.path_style {
            say("URL_STYLE", "path");
        }
        format!("INSTALL httpfs; LOAD httpfs; INSTALL aws; LOAD aws;\nCREATE OR REPLACE SECRET opsbelt ({words});\n")
    }

    fn athena(&self) -> String {
        let (logs, hours) = (self.logs(), (0..24).map(|hour| format!("{hour:02}")).collect::<Vec<_>>().join(","));
        let (why, service) = if self.services.is_empty() {
            ("every query must say which service: WHERE service = 'web'", "'projection.service.type' = 'injected'".to_owned())
        } else {
            let values = quoted(&self.services.join(","));
            (
                "other machines may ship for more services: add them",
                format!("'projection.service.type' = 'enum', 'projection.service.values' = {values}"),
            )
        };
        format!(
            "\
{ZSTD}-- Services: {why}. Days before the first one are not seen, and each hour of each day
-- in question is one request, so say which: WHERE dt >= '2026-11-01'.
CREATE EXTERNAL TABLE logs (line string)
PARTITIONED BY (service string, dt string, hour string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe'
WITH SERDEPROPERTIES ('input.regex' = '(?s)(.*)')
STORED AS TEXTFILE
LOCATION {location}
TBLPROPERTIES (
    'projection.enabled' = 'true',
    {service},
    'projection.dt.type' = 'date', 'projection.dt.format' = 'yyyy-MM-dd', 'projection.dt.range' = '2020-01-01,NOW+1DAYS',
    'projection.dt.interval' = '1', 'projection.dt.interval.unit' = 'DAYS',
    'projection.hour.type' = 'enum', 'projection.hour.values' = '{hours}',
    'storage.location.template' = {template}
);
",
            location = quoted(&format!("{logs}/")),
            template = quoted(&format!("{logs}/service=${{service}}/dt=${{dt}}/hour=${{hour}}/")),
        )
    }

    fn trino(&self) -> String {
        format!(
            "\
{ZSTD}-- Partitions are found by the second statement, which is to be run again from time to time.
CREATE TABLE hive.default.logs (line varchar, service varchar, dt varchar, hour varchar)
WITH (external_location = {}, format = 'REGEX', regex = '(?s)(.*)', partitioned_by = ARRAY['service', 'dt', 'hour']);
CALL hive.system.sync_partition_metadata('default', 'logs', 'ADD');
",
            quoted(&format!("{}/", self.logs()))
        )
    }
}

/// What is true of both engines that read zstd with the same library.
const ZSTD: &str = "\
-- zstd: Trino's reader (aircompressor; tried: 2.0.3) stops at the skippable frames with which ops-logs ends a .zst, and Athena is
-- built on Trino. Ship what they are to read with compress = \"gzip\".
";

/// What `DuckDB` would take for a pattern stands for itself.
fn literal(path: &str) -> String {
    let one = |c: char| if matches!(c, '[' | '*' | '?') { format!("[{c}]") } else { c.to_string() };
    path.chars().map(one).collect()
}

/// As a text of SQL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(engine: Engine, store: &str, services: &[&str]) -> Result<String> {
        let services = services.iter().map(|&service| service.to_owned()).collect();
        let endpoint = Some("http://127.0.0.1:9000".to_owned());
        let terms = Terms { region: Some("eu-central-1".to_owned()), endpoint, path_style: true, ..Terms::default() };
        Sql { engine, store: store.parse().unwrap(), terms, services }.text()
    }

    #[test]
    fn no_engine_looks_where_manifests_are() {
        for engine in [Engine::Duckdb, Engine::Athena, Engine::Trino] {
            let text = sql(engine, "s3://acme-logs/fleet", &[]).unwrap();
            let places: Vec<&str> = text.split("s3://acme-logs/fleet").skip(1).collect();
            assert!(
                !places.is_empty() && places.iter().all(|rest| rest.starts_with("/logs/") || rest.starts_with("',")),
                "{text}"
            );
        }
    }

    #[test]
    fn athena_is_told_of_the_services_that_are_known_or_asks_for_one() {
        let known = sql(Engine::Athena, "s3://acme-logs", &["web", "a%2Fb"]).unwrap();
        assert!(known.contains("'projection.service.values' = 'web,a%2Fb'"), "{known}");
        assert!(known.contains("'s3://acme-logs/logs/service=${service}/dt=${dt}/hour=${hour}/'"), "{known}");
        assert!(sql(Engine::Athena, "s3://acme-logs", &[]).unwrap().contains("'injected'"));
    }

    #[test]
    fn a_folder_is_for_duckdb_alone() {
        let text = sql(Engine::Duckdb, "file:///srv/o'hara", &[]).unwrap();
        assert!(text.contains("'/srv/o''hara/logs/service=*/") && !text.contains("SECRET"), "{text}");
        let odd = sql(Engine::Duckdb, "file:///srv/a[1]*?", &[]).unwrap();
        assert!(odd.contains("'/srv/a[[]1][*][?]/logs/service=*/"), "{odd}");
        for engine in [Engine::Athena, Engine::Trino] {
            assert_eq!(sql(engine, "file:///srv/archive", &[]).unwrap_err().exit, Exit::BadInput);
        }
    }

    #[test]
    fn duckdb_is_told_how_the_bucket_is_reached() {
        let text = sql(Engine::Duckdb, "s3://acme-logs/fleet", &[]).unwrap();
        let way =
            "SCOPE 's3://acme-logs/fleet', REGION 'eu-central-1', ENDPOINT '127.0.0.1:9000', USE_SSL 'false', URL_STYLE 'path')";
        assert!(text.contains(way), "{text}");
    }
}
