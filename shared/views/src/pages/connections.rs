//! The stack's connections to Xero: how they stand, and the steps of connecting and disconnecting.

use askama::Template;
use jiff::Timestamp;

use super::STYLE_SHEET;

/// What every page of the stack itself shows around its content.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Who is signed in.
    pub user: String,
    /// The token that each form sends back as the field `csrf`.
    pub csrf: String,
}

/// A connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionRow {
    /// Its name.
    pub name: String,
    /// The organisation whose books it reaches, with the path of its pages; `None` before the first consent.
    pub organisation: Option<(String, String)>,
    /// `consent` or `custom connection`; `None` while nothing is connected.
    pub kind: Option<&'static str>,
    /// When Xero gave its present token.
    pub token_issued_at: Option<Timestamp>,
    /// When its books were last read whole.
    pub last_read_at: Option<Timestamp>,
    /// What a person has to do, one sentence.
    pub your_turn: Option<String>,
}

/// The list of connections. Its forms post to `/connections/{name}/connect`.
#[derive(Clone, Debug)]
pub struct ConnectionsPage {
    /// The frame.
    pub frame: Frame,
    /// Now.
    pub now: Timestamp,
    /// What has just been done.
    pub said: Option<String>,
    /// What must be done before anything can be connected.
    pub problem: Option<String>,
    /// The redirect address that the app in Xero's developer portal must have.
    pub redirect: String,
    /// The connections, in the order of the settings.
    pub rows: Vec<ConnectionRow>,
}

/// What came back from Xero's page, before it is used. Its form posts `code`, `state` and `csrf` to
/// `/connections/callback`.
#[derive(Clone, Debug)]
pub struct ConsentedPage {
    /// The frame.
    pub frame: Frame,
    /// The connection.
    pub connection: String,
    /// The code.
    pub code: String,
    /// The state.
    pub state: String,
}

/// The organisations that a consent reaches. Its form posts `tenant` and `csrf` to `/connections/{name}/choose`.
#[derive(Clone, Debug)]
pub struct ChoosePage {
    /// The frame.
    pub frame: Frame,
    /// The connection.
    pub connection: String,
    /// Tenant id and name of each.
    pub organisations: Vec<(String, String)>,
}

/// Asks whether a connection shall end. Its form posts `csrf` to `/connections/{name}/disconnect`.
#[derive(Clone, Debug)]
pub struct DisconnectPage {
    /// The frame.
    pub frame: Frame,
    /// The connection.
    pub connection: String,
    /// The organisation, if one is known.
    pub organisation: Option<String>,
    /// Whether a person consented; else it is a custom connection.
    pub is_consent: bool,
}

#[derive(Template)]
#[template(path = "connections.html")]
struct Connections<'a> {
    title: &'static str,
    style_sheet: &'static str,
    frame: &'a Frame,
    page: &'a ConnectionsPage,
}

#[derive(Template)]
#[template(path = "connection_consented.html")]
struct Consented<'a> {
    title: &'static str,
    style_sheet: &'static str,
    frame: &'a Frame,
    page: &'a ConsentedPage,
}

#[derive(Template)]
#[template(path = "connection_choose.html")]
struct Choose<'a> {
    title: &'static str,
    style_sheet: &'static str,
    frame: &'a Frame,
    page: &'a ChoosePage,
}

#[derive(Template)]
#[template(path = "connection_disconnect.html")]
struct Disconnect<'a> {
    title: &'static str,
    style_sheet: &'static str,
    frame: &'a Frame,
    page: &'a DisconnectPage,
}

macro_rules! rendered {
    ($($page:ident by $template:ident: $title:literal)*) => {$(
        impl $page {
            /// The page.
            ///
            /// # Errors
            /// A template that can't be filled, a bug.
            pub fn render(&self) -> Result<String, askama::Error> {
                $template { title: $title, style_sheet: STYLE_SHEET, frame: &self.frame, page: self }.render()
            }
        }
    )*};
}

rendered! {
    ConnectionsPage by Connections: "Connections"
    ConsentedPage by Consented: "Connect"
    ChoosePage by Choose: "Connect"
    DisconnectPage by Disconnect: "Disconnect"
}

impl ConnectionsPage {
    fn age(&self, since: &Timestamp) -> String {
        crate::format::age(*since, self.now)
    }
}
