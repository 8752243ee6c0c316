//! From a URL to a registry.

use super::{MemoryRegistry, Registry};
use crate::engine::{Error, ErrorKind};
use percent_encoding::percent_decode_str;
use std::sync::Arc;

/// A kind of registry, as URLs name it.
///
/// What every adapter linked into a program submits, so that
/// [`Channel::to`](crate::Channel::to) knows it:
///
/// ```
/// use cordial_runtime::{MemoryRegistry, Scheme, inventory};
/// use std::sync::Arc;
///
/// inventory::submit! {
///     Scheme {
///         name: "mine",
///         form: "`mine://host/package.Service`",
///         open: |host, _path| Ok(Arc::new(MemoryRegistry::named(host))),
///     }
/// }
/// assert!(cordial_runtime::open_registry("mine://here").is_ok());
/// ```
#[derive(Debug)]
pub struct Scheme {
    /// What stands before `://`, in lower case.
    pub name: &'static str,
    /// How a channel's URL is written, for the error that says so.
    pub form: &'static str,
    /// Makes the registry at `scheme://authority/path`, without connecting to it:
    /// the authority as it is written, the path decoded, without its first slash. What
    /// keeps them from naming one is the error.
    pub open: fn(&str, &str) -> Opened,
}

/// The registry, or why there is none.
type Opened = Result<Arc<dyn Registry>, String>;

inventory::collect!(Scheme);

const MEMORY: Scheme = Scheme {
    name: "memory",
    form: "`memory://name/package.Service` (registered in this process)",
    open: memory,
};

fn memory(name: &str, path: &str) -> Opened {
    match path {
        "" => Ok(Arc::new(MemoryRegistry::named(name))),
        path => Err(format!(
            "a registry in this process has no path, and here is `{path}`"
        )),
    }
}

impl Scheme {
    /// Opens what is behind its `://`.
    pub(crate) fn open(&self, place: &str) -> Opened {
        if place.contains(['?', '#']) {
            return Err(
                "a registry has no query and no fragment; write `%3F` and `%23`".to_owned(),
            );
        }
        check_users(place)?;
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let path = percent_decode_str(path).decode_utf8();
        let path = path.map_err(|_| "its path is no UTF-8".to_owned())?;
        (self.open)(authority, &path)
    }
}

/// Refuses an `@` behind the first `/` of `place`, and does not quote it: what is before
/// may be half of a password.
pub(crate) fn check_users(place: &str) -> Result<(), String> {
    let behind = place.split_once('/').map_or("", |(_, behind)| behind);
    match behind.contains('@') {
        true => Err(
            "it has an `@` behind a `/`: write `%40`, and `%2F` for the `/` of a password"
                .to_owned(),
        ),
        false => Ok(()),
    }
}

pub(crate) fn schemes() -> impl Iterator<Item = &'static Scheme> {
    std::iter::once(&MEMORY).chain(inventory::iter::<Scheme>)
}

/// The registry at `url`, `etcd://host:2379` say: what [`Channel::to`](crate::Channel::to)
/// finds at `etcd://host:2379/package.Service`. Nothing is connected yet.
///
/// ```
/// let registry = cordial_runtime::open_registry("memory://shop")?;
/// let server = cordial_runtime::Server::new().register(registry);
/// # Ok::<_, cordial_runtime::Error>(())
/// ```
///
/// # Errors
/// `Address` when no registry of this program is at such a URL.
pub fn open_registry(url: &str) -> Result<Arc<dyn Registry>, Error> {
    let refused = |why: String| {
        let what = format!("no registry at `{}`: {why}", without_user(url));
        Error::new(ErrorKind::Address, what)
    };
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(refused(
            "it has no scheme; write `memory://name` or the like".to_owned(),
        ));
    };
    let scheme = scheme.to_ascii_lowercase();
    let Some(scheme) = schemes().find(|known| known.name == scheme) else {
        let known: Vec<_> = schemes().map(|known| known.name).collect();
        let known = known.join("`, `");
        return Err(refused(format!(
            "`{scheme}` is no registry of this program, which knows `{known}`; others are features \
             of the crate"
        )));
    };
    scheme.open(rest).map_err(refused)
}

/// `url` for everybody's eyes: a user name and a password are left out.
fn without_user(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        (None, Some((_, host))) => format!("…@{host}"),
        (_, None) => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_a_registry_or_says_why_not() {
        assert!(open_registry("memory://a").is_ok());
        assert!(open_registry("MEMORY://").is_ok());
        for (url, why) in [
            ("a", "it has no scheme"),
            ("etcetera://a", "`etcetera` is no registry of this program"),
            ("memory://a/b", "has no path"),
            ("memory://ada:secret@a/b", "`memory://…@a/b`"),
            ("memory://ada:sec/ret@a", "an `@` behind a `/`"),
            ("memory://ada:secret/@a", "an `@` behind a `/`"),
        ] {
            let error = open_registry(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Address);
            let said = error.to_string();
            assert!(said.contains(why) && !said.contains("sec"), "{said}");
        }
    }
}
