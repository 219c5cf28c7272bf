//! What is asked of a Xero: first only reading, then, in a demo company, what settles the open questions of
//! `docs/xero-open-questions.md`.

/// A call's method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates.
    Put,
    /// Changes.
    Post,
}

impl Method {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
        }
    }
}

/// A value that later steps name as `{name}`, out of an answer.
#[derive(Clone, Copy, Debug)]
pub enum Keep {
    /// The value at a JSON pointer.
    At(&'static str, &'static str),
    /// Of the list at a pointer, from the first element whose field has this value, another field.
    Where {
        /// The value's name.
        name: &'static str,
        /// The list.
        list: &'static str,
        /// The field and its value.
        is: (&'static str, &'static str),
        /// The field to take.
        take: &'static str,
    },
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its name, and its file's.
    pub name: &'static str,
    /// The open question that it answers.
    pub question: Option<&'static str>,
    /// Its method.
    pub method: Method,
    /// Path and query below the API's address.
    pub path: &'static str,
    /// Its body, with `{name}` for kept values; quotes are `'`.
    pub body: &'static str,
    /// What later steps need.
    pub keep: &'static [Keep],
    /// The values that answer the question, as JSON pointers.
    pub shows: &'static [&'static str],
}

const fn read(name: &'static str, path: &'static str) -> Step {
    Step { name, question: None, method: Method::Get, path, body: "", keep: &[], shows: &[] }
}

const fn write(name: &'static str, method: Method, path: &'static str, body: &'static str) -> Step {
    Step { name, question: None, method, path, body, keep: &[], shows: &[] }
}

const fn asks(step: Step, question: &'static str, shows: &'static [&'static str]) -> Step {
    Step { question: Some(question), shows, ..step }
}

const fn keeps(step: Step, keep: &'static [Keep]) -> Step {
    Step { keep, ..step }
}

/// The first message of a refusal, and the status of the first document.
const REFUSAL: &str = "/Elements/0/ValidationErrors/0/Message";

/// Reads only: they change nothing.
pub const READS: &[Step] = &[
    read("organisation", "Organisation"),
    read("organisation-actions", "Organisation/Actions"),
    keeps(
        read("accounts", "Accounts"),
        &[
            Keep::Where { name: "inventory", list: "/Accounts", is: ("Type", "INVENTORY"), take: "Code" },
            Keep::Where { name: "cogs", list: "/Accounts", is: ("Type", "DIRECTCOSTS"), take: "Code" },
            Keep::Where { name: "sales", list: "/Accounts", is: ("Type", "REVENUE"), take: "Code" },
            Keep::Where { name: "expense", list: "/Accounts", is: ("Type", "EXPENSE"), take: "Code" },
        ],
    ),
    keeps(read("contacts", "Contacts?page=1&pageSize=20"), &[Keep::At("contact", "/Contacts/0/ContactID")]),
    read("items", "Items?unitdp=4"),
    read("invoices", "Invoices?page=1&pageSize=20&unitdp=4&order=UpdatedDateUTC%20ASC"),
    read("credit-notes", "CreditNotes?page=1&pageSize=20&unitdp=4"),
    read("purchase-orders", "PurchaseOrders?page=1&pageSize=20"),
    read("bank-transactions", "BankTransactions?page=1&pageSize=20&unitdp=4"),
    read("manual-journals", "ManualJournals?page=1&pageSize=20"),
    read("payments", "Payments?page=1&pageSize=20"),
    read("prepayments", "Prepayments?page=1&pageSize=20"),
    read("overpayments", "Overpayments?page=1&pageSize=20"),
    read("tax-rates", "TaxRates"),
    read("tracking-categories", "TrackingCategories"),
    read("currencies", "Currencies"),
    read("branding-themes", "BrandingThemes"),
    read("balance-sheet", "Reports/BalanceSheet"),
    read("trial-balance", "Reports/TrialBalance"),
    read("unknown-invoice", "Invoices/00000000-0000-4000-8000-000000000000"),
];

/// Writes into a demo company. Everything that they make carries the name `parstock probe`.
pub const PROBES: &[Step] = &[
    keeps(
        write(
            "probe-item",
            Method::Put,
            "Items?unitdp=4",
            "{'Items':[{'Code':'{run}','Name':'parstock probe','IsPurchased':true,'IsSold':true,\
             'PurchaseDetails':{'UnitPrice':10,'COGSAccountCode':'{cogs}'},\
             'SalesDetails':{'UnitPrice':20,'AccountCode':'{sales}'},'InventoryAssetAccountCode':'{inventory}'}]}",
        ),
        &[Keep::At("item", "/Items/0/ItemID")],
    ),
    asks(
        keeps(
            write(
                "probe-zero-total-bill",
                Method::Put,
                "Invoices?unitdp=4&summarizeErrors=true",
                "{'Invoices':[{'Type':'ACCPAY','Status':'AUTHORISED','Contact':{'ContactID':'{contact}'},\
                 'Date':'{today}','DueDate':'{today}','LineAmountTypes':'NoTax','InvoiceNumber':'{run}-ADJ','LineItems':[\
                 {'ItemCode':'{run}','Description':'parstock probe','Quantity':5,'UnitAmount':10,'AccountCode':'{inventory}'},\
                 {'Description':'parstock probe','Quantity':5,'UnitAmount':-10,'AccountCode':'{expense}'}]}]}",
            ),
            &[Keep::At("bill", "/Invoices/0/InvoiceID")],
        ),
        "Which status has an approved document with total 0?",
        &["/Invoices/0/Status", REFUSAL],
    ),
    asks(
        write(
            "probe-oversell",
            Method::Put,
            "Invoices?unitdp=4&summarizeErrors=true",
            "{'Invoices':[{'Type':'ACCREC','Status':'AUTHORISED','Contact':{'ContactID':'{contact}'},\
             'Date':'{today}','DueDate':'{today}','LineAmountTypes':'NoTax','LineItems':[\
             {'ItemCode':'{run}','Description':'parstock probe','Quantity':99,'UnitAmount':20,'AccountCode':'{sales}'}]}]}",
        ),
        "With which words is a sale beyond the stock refused?",
        &[REFUSAL],
    ),
    write(
        "probe-decrease",
        Method::Put,
        "CreditNotes?unitdp=4&summarizeErrors=true",
        "{'CreditNotes':[{'Type':'ACCPAYCREDIT','Status':'AUTHORISED','Contact':{'ContactID':'{contact}'},\
         'Date':'{today}','LineAmountTypes':'NoTax','CreditNoteNumber':'{run}-DEC','LineItems':[\
         {'ItemCode':'{run}','Description':'parstock probe','Quantity':2,'UnitAmount':7,'AccountCode':'{inventory}'},\
         {'Description':'parstock probe','Quantity':2,'UnitAmount':-7,'AccountCode':'{expense}'}]}]}",
    ),
    asks(
        read("probe-cost-pool", "Items/{item}?unitdp=4"),
        "What does a supplier's credit take out of the cost pool (of 50.00 for 5, after 2 at 7.00)?",
        &["/Items/0/QuantityOnHand", "/Items/0/TotalCostPool"],
    ),
    asks(
        write(
            "probe-sent-quantity",
            Method::Post,
            "Items?unitdp=4",
            "{'Items':[{'ItemID':'{item}','Code':'{run}','QuantityOnHand':99}]}",
        ),
        "Is a quantity on hand that is sent refused?",
        &[REFUSAL],
    ),
    asks(
        read("probe-quantity-after", "Items/{item}?unitdp=4"),
        "Is it ignored, and does the update leave the name and the price of 10 that it didn't send?",
        &["/Items/0/QuantityOnHand", "/Items/0/Name", "/Items/0/PurchaseDetails/UnitPrice"],
    ),
    asks(
        write(
            "probe-void-bill",
            Method::Post,
            "Invoices/{bill}",
            "{'Invoices':[{'InvoiceID':'{bill}','Status':'VOIDED'}]}",
        ),
        "Can the zero-total bill be voided when its stock has gone?",
        &["/Invoices/0/Status", REFUSAL],
    ),
    keeps(
        write(
            "probe-order",
            Method::Put,
            "PurchaseOrders?summarizeErrors=true",
            "{'PurchaseOrders':[{'PurchaseOrderNumber':'{run}-PO','Status':'DRAFT','Contact':{'ContactID':'{contact}'},\
             'Date':'{today}','LineItems':[{'ItemCode':'{run}','Description':'parstock probe','Quantity':1,'UnitAmount':10}]}]}",
        ),
        &[Keep::At("order", "/PurchaseOrders/0/PurchaseOrderID")],
    ),
    asks(
        write(
            "probe-draft-billed",
            Method::Post,
            "PurchaseOrders/{order}",
            "{'PurchaseOrders':[{'PurchaseOrderID':'{order}','Status':'BILLED'}]}",
        ),
        "May an order go from DRAFT straight to BILLED?",
        &["/PurchaseOrders/0/Status", REFUSAL],
    ),
    asks(
        write(
            "probe-order-submitted",
            Method::Post,
            "PurchaseOrders/{order}",
            "{'PurchaseOrders':[{'PurchaseOrderID':'{order}','Status':'SUBMITTED'}]}",
        ),
        "May it go to SUBMITTED then?",
        &["/PurchaseOrders/0/Status", REFUSAL],
    ),
    asks(
        write(
            "probe-order-draft-again",
            Method::Post,
            "PurchaseOrders/{order}",
            "{'PurchaseOrders':[{'PurchaseOrderID':'{order}','Status':'DRAFT'}]}",
        ),
        "May it go back to DRAFT then?",
        &["/PurchaseOrders/0/Status", REFUSAL],
    ),
    asks(
        write(
            "probe-order-deleted",
            Method::Post,
            "PurchaseOrders/{order}",
            "{'PurchaseOrders':[{'PurchaseOrderID':'{order}','Status':'DELETED'}]}",
        ),
        "May it be deleted then?",
        &["/PurchaseOrders/0/Status", REFUSAL],
    ),
    keeps(
        write(
            "probe-approved-order",
            Method::Put,
            "PurchaseOrders?summarizeErrors=true",
            "{'PurchaseOrders':[{'PurchaseOrderNumber':'{run}-PO2','Status':'AUTHORISED','Contact':{'ContactID':'{contact}'},\
             'Date':'{today}','LineItems':[{'ItemCode':'{run}','Description':'parstock probe','Quantity':1,'UnitAmount':10}]}]}",
        ),
        &[Keep::At("approved", "/PurchaseOrders/0/PurchaseOrderID")],
    ),
    asks(
        write(
            "probe-approved-draft",
            Method::Post,
            "PurchaseOrders/{approved}",
            "{'PurchaseOrders':[{'PurchaseOrderID':'{approved}','Status':'DRAFT'}]}",
        ),
        "May an AUTHORISED order go back to DRAFT?",
        &["/PurchaseOrders/0/Status", REFUSAL],
    ),
    asks(
        write(
            "probe-approved-billed",
            Method::Post,
            "PurchaseOrders/{approved}",
            "{'PurchaseOrders':[{'PurchaseOrderID':'{approved}','Status':'BILLED'}]}",
        ),
        "May it go to BILLED then?",
        &["/PurchaseOrders/0/Status", REFUSAL],
    ),
    asks(
        write(
            "probe-billed-approved",
            Method::Post,
            "PurchaseOrders/{approved}",
            "{'PurchaseOrders':[{'PurchaseOrderID':'{approved}','Status':'AUTHORISED'}]}",
        ),
        "May it go back to AUTHORISED then?",
        &["/PurchaseOrders/0/Status", REFUSAL],
    ),
    asks(
        write(
            "probe-billed-deleted",
            Method::Post,
            "PurchaseOrders/{approved}",
            "{'PurchaseOrders':[{'PurchaseOrderID':'{approved}','Status':'DELETED'}]}",
        ),
        "May it be deleted then?",
        &["/PurchaseOrders/0/Status", REFUSAL],
    ),
    keeps(
        write(
            "probe-submitted-order",
            Method::Put,
            "PurchaseOrders?summarizeErrors=true",
            "{'PurchaseOrders':[{'PurchaseOrderNumber':'{run}-PO3','Status':'SUBMITTED','Contact':{'ContactID':'{contact}'},\
             'Date':'{today}','LineItems':[{'ItemCode':'{run}','Description':'parstock probe','Quantity':1,'UnitAmount':10}]}]}",
        ),
        &[Keep::At("submitted", "/PurchaseOrders/0/PurchaseOrderID")],
    ),
    asks(
        write(
            "probe-submitted-billed",
            Method::Post,
            "PurchaseOrders/{submitted}",
            "{'PurchaseOrders':[{'PurchaseOrderID':'{submitted}','Status':'BILLED'}]}",
        ),
        "May an order go from SUBMITTED straight to BILLED?",
        &["/PurchaseOrders/0/Status", REFUSAL],
    ),
    asks(
        write(
            "probe-submitted-deleted",
            Method::Post,
            "PurchaseOrders/{submitted}",
            "{'PurchaseOrders':[{'PurchaseOrderID':'{submitted}','Status':'DELETED'}]}",
        ),
        "May it be deleted then?",
        &["/PurchaseOrders/0/Status", REFUSAL],
    ),
    asks(
        read("probe-deleted-listed", "PurchaseOrders?page=1&order=UpdatedDateUTC%20DESC"),
        "Does a list of orders show one that was just deleted?",
        &["/PurchaseOrders/0/Status"],
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_value_that_a_step_names_was_kept_by_one_before() {
        let mut known = BTreeSet::from(["run", "today"]);
        let mut names = BTreeSet::new();
        for step in READS.iter().chain(PROBES) {
            assert!(names.insert(step.name), "{} is there twice", step.name);
            for text in [step.path, step.body] {
                for (at, _) in text.match_indices('{') {
                    let word = text[at + 1..].split('}').next().unwrap();
                    if word.chars().all(|letter| letter.is_ascii_lowercase()) && !word.is_empty() {
                        assert!(known.contains(word), "{} names {word}", step.name);
                    }
                }
            }
            known.extend(step.keep.iter().map(|keep| match keep {
                Keep::At(name, _) | Keep::Where { name, .. } => *name,
            }));
        }
        assert!(READS.iter().all(|step| step.method == Method::Get), "reading changes nothing");
    }
}
