//! Files beside documents.

use jiff::Timestamp;
use uuid::Uuid;

use crate::act::Act;
use crate::error::XeroError;
use crate::http::read::list_named;
use crate::http::render;
use crate::http::reply::Reply;
use crate::world::World;

impl World {
    /// Keeps a file.
    pub(super) fn write_attachment(
        &mut self,
        now: Timestamp,
        (endpoint, id): (&str, &str),
        name: &str,
        body: &[u8],
    ) -> Reply {
        let Some(of) = self.attached_to(endpoint, id) else { return Reply::not_found() };
        if body.is_empty() {
            return Reply::refused("The file is empty");
        }
        let act = Act::attach(of, name, body);
        match self.apply_within(now, &act, true) {
            Ok(_) => {}
            Err(XeroError::Refused(messages)) => return Reply::refused(&messages.join("; ")),
            Err(error) => return Reply::plain(500, &error.to_string()),
        }
        self.envelope(now, "Attachments", |all| {
            let files = self.books.attachments.get(&of).into_iter().flatten();
            for file in files.filter(|file| file.file_name == name) {
                all.object(|json| render::attachment(json, endpoint, of, file));
            }
        })
    }

    /// What has attachments and this id at this address.
    pub(in crate::http) fn attached_to(&self, endpoint: &str, id: &str) -> Option<Uuid> {
        if endpoint == "ManualJournals" {
            let id = Uuid::parse_str(id).ok()?;
            return self.books.journals.iter().find(|row| row.id == id).map(|row| row.id);
        }
        self.document_in(list_named(endpoint)?, id).map(|document| document.id)
    }
}
