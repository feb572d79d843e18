//! How AWS is reached, as somebody types it: the flags that every command has which talks to AWS. They go over the settings, which go over
//! the SDK's own variables and files. Plain data; what a word may look like is said here once, for flags and settings.

use clap::Args;

use super::terms::Terms;

/// What was typed.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "How AWS is reached, over what the settings say")]
pub struct Reach {
    /// Ask as this profile of the AWS files
    #[arg(long, value_name = "PROFILE", value_parser = typed(is_profile, "that is no name of a profile"))]
    profile: Option<String>,
    /// In this region
    #[arg(long, value_name = "REGION", value_parser = typed(is_region, "that is no name of a region"))]
    region: Option<String>,
    /// Take on this role first
    #[arg(long, value_name = "ARN", value_parser = typed(is_role, "that is no ARN of a role"))]
    role: Option<String>,
    /// Whoever answers there, instead of AWS
    #[arg(long, value_name = "URL", value_parser = typed(is_endpoint, "that is no URL"))]
    endpoint_url: Option<String>,
}

impl Reach {
    /// Whether somebody else than AWS is to be asked, as far as that was typed.
    pub fn names_an_endpoint(&self) -> bool {
        self.endpoint_url.is_some()
    }

    /// The same, to be typed again.
    pub fn words(&self) -> Vec<String> {
        let said = [
            ("--profile", &self.profile),
            ("--region", &self.region),
            ("--role", &self.role),
            ("--endpoint-url", &self.endpoint_url),
        ];
        let said = said.into_iter().filter_map(|(flag, value)| Some((flag, value.as_ref()?)));
        // As one word: a value may begin with a dash.
        said.map(|(flag, value)| format!("{flag}={value}")).collect()
    }

    /// The terms, as far as nothing else was typed.
    #[must_use]
    pub fn over(self, terms: Terms) -> Terms {
        Terms {
            profile: self.profile.or(terms.profile),
            region: self.region.or(terms.region),
            role: self.role.or(terms.role),
            endpoint: self.endpoint_url.or(terms.endpoint),
            ..terms
        }
    }

    /// Whether nothing was typed.
    pub fn is_silent(&self) -> bool {
        *self == Reach::default()
    }
}

fn typed(good: fn(&str) -> bool, wrong: &'static str) -> impl Fn(&str) -> Result<String, &'static str> + Clone {
    move |text| if good(text) { Ok(text.to_owned()) } else { Err(wrong) }
}

/// Whether it can be a profile.
pub fn is_profile(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_control() || c == ']')
}

/// Whether it can be a region.
pub fn is_region(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether it can be a role's ARN.
pub fn is_role(text: &str) -> bool {
    text.starts_with("arn:") && is_one_word(text)
}

/// Whether it can be the URL of somebody who answers.
pub fn is_endpoint(text: &str) -> bool {
    let host = text.strip_prefix("https://").or(text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty()) && is_one_word(text)
}

/// Whether it is visible, and without blanks.
pub fn is_one_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_goes_over_the_settings_and_the_rest_stays() {
        let settings = Terms { profile: Some("a".to_owned()), region: Some("eu".to_owned()), ..Terms::default() };
        let typed = Reach { profile: Some("b".to_owned()), ..Reach::default() };
        let terms = typed.over(settings.clone());
        assert_eq!((terms.profile.as_deref(), terms.region.as_deref()), (Some("b"), Some("eu")));
        assert_eq!(Reach::default().over(settings.clone()), settings);
    }
}
