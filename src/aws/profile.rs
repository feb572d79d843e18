//! The one profile of the AWS files that a session is of, as far as the SDK says nothing of it: whether there is such a profile at all, and
//! what in it the SDK cannot do. Only reads.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use crate::{
    aws::terms::Terms,
    failure::{Failure, Result},
};

/// Nobody has more profiles than fit into this.
const LONGEST: u64 = 4 << 20;

/// A profile.
#[derive(Debug, Default)]
pub(in crate::aws) struct Profile {
    /// Its name.
    pub(in crate::aws) name: String,
    /// Whether it was asked for by name, here: then nothing else will do.
    pub(super) is_asked: bool,
    /// Whether the files have it.
    pub(in crate::aws) is_there: bool,
    words: BTreeMap<String, String>,
}

impl Profile {
    /// The one that the terms name, or `AWS_PROFILE`, or the default one.
    pub(in crate::aws) fn of(terms: &Terms) -> Result<Profile> {
        let named = || env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty());
        let name = terms.profile.clone().or_else(named).unwrap_or_else(|| "default".to_owned());
        let (config, credentials) = (file("AWS_CONFIG_FILE", "config"), file("AWS_SHARED_CREDENTIALS_FILE", "credentials"));
        let (mut words, mut is_there) = (BTreeMap::new(), false);
        for (path, head) in [(&config, "profile "), (&credentials, "")] {
            let said = path.as_deref().map(read).and_then(|text| section(&text, &name, head));
            is_there |= said.is_some();
            words.extend(said.unwrap_or_default());
        }
        if terms.profile.is_some() && !is_there {
            let shown = |path: Option<PathBuf>| {
                path.map_or_else(|| "the home that is not there".to_owned(), |path| path.display().to_string())
            };
            let failure = Failure::new("find", format!("the profile `{name}`"));
            return Err(failure
                .because(format!("neither {} nor {} has it", shown(config), shown(credentials)))
                .hint("`aws configure list-profiles` names those that there are"));
        }
        Ok(Profile { name, is_asked: terms.profile.is_some(), is_there, words })
    }

    /// Whether somebody logs in to it in a browser, now and then.
    pub(in crate::aws) fn is_sso(&self) -> bool {
        self.says("sso_session").or(self.says("sso_start_url")).is_some()
    }

    /// What it says under that key.
    pub(in crate::aws) fn says(&self, key: &str) -> Option<&str> {
        self.words.get(key).map(String::as_str)
    }
}

fn file(variable: &str, name: &str) -> Option<PathBuf> {
    let said = |variable: &str| env::var_os(variable).filter(|value: &OsString| !value.is_empty());
    said(variable).map(PathBuf::from).or_else(|| Some(Path::new(&said("HOME")?).join(".aws").join(name)))
}

/// What cannot be read says nothing: the SDK will tell why, if it needs it.
fn read(path: &Path) -> String {
    let mut text = Vec::new();
    match File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut text)) {
        Err(_) => String::new(),
        Ok(_) => String::from_utf8_lossy(&text).into_owned(),
    }
}

/// The keys and values of a profile; none where there is no such profile. Lines that are further in belong to the key above them.
fn section(text: &str, name: &str, head: &str) -> Option<BTreeMap<String, String>> {
    let mut words: Option<BTreeMap<String, String>> = None;
    let mut inside = false;
    for line in text.lines() {
        if let Some(title) = line.trim().strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let title = title.trim();
            let named = title.strip_prefix(head).map(str::trim) == Some(name) || (title == "default" && name == "default");
            inside = named;
            if inside {
                words.get_or_insert_default();
            }
        } else if inside
            && !line.starts_with([' ', '\t', '#', ';'])
            && let Some((key, value)) = line.split_once('=')
        {
            words.get_or_insert_default().insert(key.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_as_every_aws_tool_does() {
        let text = "[default]\nregion = eu\n# mfa_serial = x\n[profile a b]\nMFA_Serial= arn:1\ns3 =\n  addressing_style = path\n\
                    [sso-session a]\nsso_region = x\n[profile c]\n";
        let of = |name: &str, head: &str| section(text, name, head);
        let a = of("a b", "profile ").unwrap();
        assert_eq!((a["mfa_serial"].as_str(), a.get("addressing_style"), a.get("sso_region")), ("arn:1", None, None));
        assert_eq!(of("default", "profile ").unwrap().len(), 1);
        assert_eq!(of("c", "profile "), Some(BTreeMap::new()));
        assert_eq!((of("a", "profile "), of("a b", "")), (None, None));
        assert_eq!(section("[ship]\naws_access_key_id = x", "ship", "").unwrap().len(), 1);
    }
}
