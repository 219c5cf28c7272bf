//! The mail with a link that signs a person in.

use askama::Template;

use crate::RenderError;

/// What the mail says.
#[derive(Clone, Debug)]
pub struct SignInMail {
    /// Whom the link signs in.
    pub address: String,
    /// Where: the console's address.
    pub console_url: String,
    /// The link.
    pub link: String,
    /// How long it is good.
    pub minutes: i64,
}

/// The mail, ready to be sent.
#[derive(Clone, Debug)]
pub struct RenderedSignInMail {
    /// Its subject.
    pub subject: String,
    /// Its HTML.
    pub html: String,
    /// Its plain text.
    pub text: String,
}

#[derive(Template)]
#[template(path = "sign_in_mail.html")]
struct Html<'a> {
    headline: &'a str,
    mail: &'a SignInMail,
}

/// Subject and headline.
const HEADLINE: &str = "Sign in to parstock";

impl SignInMail {
    /// The mail.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<RenderedSignInMail, RenderError> {
        let Self { console_url, link, minutes, .. } = self;
        let address = crate::text::plain(&self.address);
        let text = format!(
            "Somebody asked to sign in to parstock at {console_url} as {address}.\n\n\
             If that was you, open this address within {minutes} minutes and press the button there:\n\n{link}\n\n\
             It works once. If it was not you, do nothing: without this mail nobody gets in.\n"
        );
        Ok(RenderedSignInMail {
            subject: HEADLINE.to_owned(),
            html: Html { headline: HEADLINE, mail: self }.render()?,
            text,
        })
    }
}
