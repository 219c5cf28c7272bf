//! The adapter to Xero keeps what use cases rely on.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parstock_app::ports::Ports;
use parstock_domain::document::Item;
use parstock_domain::fixed::Quantity;
use parstock_domain::ids::{DocumentId, OrgId};
use parstock_local::driver::CONNECTION;
use parstock_local::ports::LocalBooks;
use parstock_tests::conformance;
use parstock_xero_sim::act::{Act, DocumentKind, E4, Status};

use super::shop::{MONDAY, Shop};

impl conformance::books::Harness for Shop {
    type Books = LocalBooks;
    fn books(&self) -> &LocalBooks {
        self.ports.books()
    }
    fn connection(&self) -> String {
        CONNECTION.to_owned()
    }
    fn org(&self) -> OrgId {
        self.org
    }
    fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }
    fn today(&self) -> Date {
        MONDAY
    }
    fn sell(&self, item: &Item, quantity: Quantity) -> DocumentId {
        let number = format!("INV-{}", self.world.lock().unwrap().document_count());
        Shop::sell(self, &number, &item.code, E4(quantity.e4()));
        DocumentId(self.world.lock().unwrap().document(DocumentKind::Invoice, &number).unwrap().id)
    }
    fn void(&self, invoice: DocumentId) {
        let number = {
            let world = self.world.lock().unwrap();
            world.documents().find(|document| document.id == invoice.0).unwrap().number
        };
        self.apply(&Act::set_status(DocumentKind::Invoice, &number, Status::Voided));
    }
    fn attach(&self, bill: DocumentId, name: &str, content: &[u8]) {
        self.apply(&Act::attach(bill.0, name, content));
    }
    fn pass(&self, time: SignedDuration) {
        self.ports.clock.advance_to(self.ports.clock.now() + time);
    }
}

#[tokio::test]
async fn the_books_over_the_simulated_xero_conform() {
    conformance::books::books(Shop::open).await;
}
