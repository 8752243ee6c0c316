//! SPIFFE IDs, as the SPIFFE-ID and X509-SVID standards have them.

const SCHEME: &str = "spiffe://";

/// Of the whole id, and of its trust domain (SPIFFE-ID, section 2.3).
const ID_BYTES_MAX: usize = 2048;
const TRUST_DOMAIN_BYTES_MAX: usize = 255;

/// Whether `uri` is the SPIFFE ID of a workload: a trust domain and a path.
pub(super) fn is_workload(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix(SCHEME) else {
        return false;
    };
    let Some((trust_domain, path)) = rest.split_once('/') else {
        return false;
    };
    uri.len() <= ID_BYTES_MAX
        && (1..=TRUST_DOMAIN_BYTES_MAX).contains(&trust_domain.len())
        && trust_domain.bytes().all(in_trust_domain)
        && path.split('/').all(is_segment)
}

fn in_trust_domain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte)
}

fn is_segment(segment: &str) -> bool {
    let letters = segment
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    letters && !["", ".", ".."].contains(&segment)
}

#[cfg(test)]
mod tests {
    use super::is_workload;

    #[test]
    fn ids_are_those_of_the_standard() {
        let longest = format!("spiffe://td/{}", "a".repeat(2048 - "spiffe://td/".len()));
        let domain = format!("spiffe://{}/a", "d".repeat(255));
        for good in [
            "spiffe://example.org/a",
            "spiffe://example.org/ns/prod/sa/Web-1_x.y",
            "spiffe://1.2.3.4/a",
            "spiffe://a_b-c/...",
            &longest,
            &domain,
        ] {
            assert!(is_workload(good), "{good}");
        }
        for bad in [
            "",
            "spiffe://",
            "spiffe:///a",
            "spiffe://example.org",
            "spiffe://example.org/",
            "spiffe://example.org/a/",
            "spiffe://example.org//a",
            "spiffe://example.org/./a",
            "spiffe://example.org/../a",
            "spiffe://example.org/a%20b",
            "spiffe://example.org/a?b",
            "spiffe://example.org/a#b",
            "spiffe://example.org/ä",
            "spiffe://Example.org/a",
            "spiffe://me@example.org/a",
            "spiffe://example.org:80/a",
            "SPIFFE://example.org/a",
            "https://example.org/a",
            &format!("{longest}a"),
            &domain.replace("/a", "d/a"),
        ] {
            assert!(!is_workload(bad), "{bad}");
        }
    }
}
