//! Which pod a container belongs to, by the names of the links that the kubelet makes in /var/log/containers. Only names
//! are read: where a link leads is its own affair, and it is never opened.

use std::{collections::HashMap, path::Path};

use super::is_id;
use crate::{
    failure::{Failure, Result},
    files::dir::{Dir, Kind},
};

/// The labels that a link's name gives, in its order.
pub(super) const LABELS: [&str; 3] = ["pod", "namespace", "pod-container"];

/// Pods by container.
#[derive(Debug, Default)]
pub struct Pods(HashMap<String, Named>);

/// What the links say of one container.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    Once([String; 3]),
    /// Nobody can tell which one is true.
    Differently,
}

impl Pods {
    /// Where the links are.
    pub const FOLDER: &str = "/var/log/containers";

    /// Reads the names in `folder`; a machine without it has no pods.
    pub fn read(folder: &Path) -> Result<Pods> {
        const MOST: usize = 20_000;
        let mut pods = Pods::default();
        let dir = match Dir::open(folder) {
            Ok(dir) => dir,
            Err(failure) if failure.is_absence() => return Ok(pods),
            Err(failure) => return Err(failure),
        };
        let mut links = 0;
        dir.each(|name, kind| {
            if let Ok(name) = name
                && kind == Some(Kind::Link)
            {
                links += 1;
                if links <= MOST {
                    pods.note(name);
                }
            }
        })?;
        if links > MOST {
            return Err(Failure::new("read", folder.display()).because(format!("it has more than {MOST} links")));
        }
        Ok(pods)
    }

    /// The labels of a container; none when nothing is known, or nothing that is certain.
    pub(super) fn of(&self, id: &str) -> Vec<(&'static str, String)> {
        match self.0.get(id) {
            Some(Named::Once(words)) => LABELS.into_iter().zip(words.clone()).collect(),
            Some(Named::Differently) | None => Vec::new(),
        }
    }

    fn note(&mut self, name: &str) {
        let Some((id, words)) = parsed(name) else { return };
        let named = Named::Once(words);
        match self.0.get_mut(id) {
            Some(known) if *known != named => *known = Named::Differently,
            Some(_) => {}
            None => drop(self.0.insert(id.to_owned(), named)),
        }
    }
}

/// `POD_NAMESPACE_CONTAINER-ID.log`: none of the three can have an underscore.
fn parsed(name: &str) -> Option<(&str, [String; 3])> {
    let (names, id) = name.strip_suffix(".log")?.rsplit_once('-')?;
    let words: Vec<&str> = names.split('_').collect();
    let [pod, namespace, container] = words.as_slice() else { return None };
    let word = |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'.');
    (is_id(id) && words.iter().all(|each| word(each))).then(|| (id, [pod, namespace, container].map(|word| (*word).to_owned())))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn id(digit: char) -> String {
        digit.to_string().repeat(64)
    }

    fn found(pods: &Pods, id: &str) -> Vec<String> {
        pods.of(id).into_iter().map(|(label, value)| format!("{label}={value}")).collect()
    }

    #[test]
    fn a_links_name_tells_pod_namespace_and_container() {
        let tree = tempfile::tempdir().unwrap();
        let link = |name: &str| symlink("/nonexistent/leads/nowhere", tree.path().join(name)).unwrap();
        link(&format!("web-7d4b-x2.y_shop-prod_nginx-proxy-{}.log", id('a')));
        // Not the kubelet's: no link, no id, a word too many or none.
        std::fs::write(tree.path().join(format!("web_shop_file-{}.log", id('b'))), "").unwrap();
        link("web_shop_nginx-123.log");
        link(&format!("a_b_c_d-{}.log", id('c')));
        link(&format!("_b_c-{}.log", id('d')));
        link(&format!("a_b c_d-{}.log", id('e')));
        let pods = Pods::read(tree.path()).unwrap();
        let told = ["pod=web-7d4b-x2.y", "namespace=shop-prod", "pod-container=nginx-proxy"];
        assert_eq!(found(&pods, &id('a')), told);
        assert_eq!(pods.0.len(), 1, "{pods:?}");
    }

    #[test]
    fn links_that_disagree_tell_nothing() {
        let mut pods = Pods::default();
        for name in ["one_ns_c", "one_ns_c", "two_ns_c", "one_ns_c"] {
            pods.note(&format!("{name}-{}.log", id('a')));
        }
        assert_eq!(found(&pods, &id('a')), [""; 0]);
        pods.note(&format!("one_ns_c-{}.log", id('b')));
        pods.note(&format!("one_ns_c-{}.log", id('b')));
        assert_eq!(found(&pods, &id('b'))[0], "pod=one");
    }

    #[test]
    fn a_machine_without_the_folder_has_no_pods() {
        assert!(Pods::read(Path::new("/nonexistent/containers")).unwrap().0.is_empty());
    }
}
