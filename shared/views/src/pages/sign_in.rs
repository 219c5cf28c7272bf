//! Signing in: by password on one machine, by a mailed link elsewhere.

use askama::Template;

use super::STYLE_SHEET;

/// The page that asks for name and password. Its form posts `user`, `password`, `csrf` and `next` to `/sign-in`.
#[derive(Clone, Debug)]
pub struct PasswordPage {
    /// The token that the form sends back.
    pub csrf: String,
    /// The path to go to afterwards; the server takes only paths of its own.
    pub next: String,
    /// What was wrong with the last try, and what to do.
    pub problem: Option<String>,
}

/// The page that asks for a mail address. Its form posts `address`, `csrf` and `next` to `/sign-in`.
#[derive(Clone, Debug)]
pub struct AddressPage {
    /// The token that the form sends back.
    pub csrf: String,
    /// The path to go to afterwards; the server takes only paths of its own.
    pub next: String,
    /// Why a link is needed again, or what was wrong with the last try.
    pub problem: Option<String>,
}

/// What follows on an address, whichever it was.
#[derive(Clone, Debug)]
pub struct MailedPage {
    /// How long a link is good.
    pub minutes: i64,
}

/// What a link opens: it signs nobody in before its button is pressed. Its form posts `token` and `csrf` to
/// `/sign-in/link`.
#[derive(Clone, Debug)]
pub struct LinkPage {
    /// Whom it signs in.
    pub address: String,
    /// The link's token.
    pub token: String,
    /// The token that the form sends back.
    pub csrf: String,
}

const TITLE: &str = "Sign in";

#[derive(Template)]
#[template(path = "sign_in_password.html")]
struct Password<'a> {
    title: &'static str,
    style_sheet: &'static str,
    page: &'a PasswordPage,
}

#[derive(Template)]
#[template(path = "sign_in_address.html")]
struct Address<'a> {
    title: &'static str,
    style_sheet: &'static str,
    page: &'a AddressPage,
}

#[derive(Template)]
#[template(path = "sign_in_mailed.html")]
struct Mailed<'a> {
    title: &'static str,
    style_sheet: &'static str,
    page: &'a MailedPage,
}

#[derive(Template)]
#[template(path = "sign_in_link.html")]
struct Link<'a> {
    title: &'static str,
    style_sheet: &'static str,
    page: &'a LinkPage,
}

macro_rules! rendered {
    ($($page:ident by $template:ident)*) => {$(
        impl $page {
            /// The page.
            ///
            /// # Errors
            /// A template that can't be filled, a bug.
            pub fn render(&self) -> Result<String, askama::Error> {
                $template { title: TITLE, style_sheet: STYLE_SHEET, page: self }.render()
            }
        }
    )*};
}

rendered! {
    PasswordPage by Password
    AddressPage by Address
    MailedPage by Mailed
    LinkPage by Link
}
