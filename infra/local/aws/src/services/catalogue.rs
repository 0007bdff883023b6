//! The services.

use std::sync::LazyLock;

use crate::organization::mix_text;

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// As in actions: `s3`.
    pub namespace: &'static str,
    pub name: &'static str,
    /// Of a hundred accounts that do anything, so many use it now and then.
    pub(crate) percent: u64,
    /// Whether it is used in us-east-1, wherever its caller is.
    pub(crate) global: bool,
    /// Tells its use from that of the others.
    pub(crate) salt: u64,
}

static SERVICES: LazyLock<Vec<Service>> = LazyLock::new(|| {
    let mut services: Vec<_> = include_str!("services.tsv").lines().filter_map(service).collect();
    services.sort_unstable_by_key(|service| service.namespace);
    services
});

/// All of them, by namespace.
pub fn services() -> &'static [Service] {
    &SERVICES
}

fn service(line: &'static str) -> Option<Service> {
    let mut columns = line.split('\t');
    let (namespace, name) = (columns.next()?, columns.next()?);
    let percent = columns.next()?.parse().ok()?;
    let salt = mix_text(0, namespace);
    Some(Service { namespace, name, percent, global: columns.next()? == "global", salt })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_file_is_a_service_of_its_own() {
        let lines = include_str!("services.tsv").lines().filter(|line| !line.starts_with('#')).count();
        let services = services();
        assert!(services.len() == lines && (400..=500).contains(&lines), "{lines}");
        assert!(services.windows(2).all(|pair| pair[0].namespace < pair[1].namespace));
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        assert!(services.iter().all(|it| it.namespace.bytes().all(allowed) && it.percent <= 100));
        assert!(services.iter().all(|it| it.namespace == it.namespace.to_ascii_lowercase()));
        assert!(services.iter().filter(|it| it.percent == 0).count() > 200, "most are used by nobody");
    }
}
