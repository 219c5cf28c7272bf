//! Reads.

use jiff::{Timestamp, civil::Date};
use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    BY_CHANGE, Clock, FOUR_DECIMALS, IDS_PER_CALL, INVOICE_STATUSES, ITEMS_BYTES_MAX, PAGE_SIZE,
    RESPONSE_BYTES_MAX, Session, UNREADABLE_ITEMS_MAX, WriteRules,
    request::{BYTES, BodyError, Call, PDF, read_body},
};
use crate::{
    auth::TokenStore,
    error::{Error, Problem, json_error},
    limits::CallBudget,
    model::{
        Account, Action, Attachment, AttachmentOf, BalanceSheet, BankTransaction, BrandingTheme, Contact,
        CreditNote, Currency, HistoryOf, HistoryRecord, Invoice, Item, ManualJournal, Organisation,
        Overpayment, Page, Payment, Prepayment, PurchaseOrder, Report, Resource, TaxRate, TrackingCategory,
        TrialBalance, Unreadable, first, read_page,
    },
    stream::{ElementSplitter, SplitError},
};

/// Which items to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ItemsQuery {
    /// Only items whose master data changed since. A change of stock alone is not such a change.
    pub modified_since: Option<Timestamp>,
    /// Only items whose quantity Xero keeps.
    pub only_tracked: bool,
}

/// What reading a list of items came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemsRead {
    /// How many were handed over.
    pub count: u64,
    /// Those that could not be read, at most [`UNREADABLE_ITEMS_MAX`]. They don't hold up the others.
    pub unreadable: Vec<Unreadable>,
    /// Xero's clock at the time of the answer, if it said so.
    pub answered_at: Option<Timestamp>,
}

/// Which contacts to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactsQuery {
    /// Only contacts that changed since.
    pub modified_since: Option<Timestamp>,
    /// Which page, from 1.
    pub page: u32,
    /// Archived ones too.
    pub include_archived: bool,
}

impl<T: TokenStore, B: CallBudget, C: Clock> Session<T, B, C> {
    /// The organisation of the connection. One call.
    ///
    /// # Errors
    /// See [`Error`]; so for every method below. A read never answers [`Error::Unknown`].
    pub async fn organisation(&mut self) -> Result<Organisation, Error> {
        let asked = self.list::<Organisation>(&["Organisation"], &[], None).await;
        let page = asked.map_err(|error| match error {
            Error::Reject { status: status @ (404 | 405), .. } => {
                let origin = self.client.config.api_url.origin().ascii_serialization();
                Error::AskPerson(Problem::NoAccountingApi { origin, status })
            }
            error => error,
        })?;
        first(page)
            .ok_or(Error::BadAnswer { resource: Organisation::NAME, why: "the list is empty".to_owned() })
    }

    /// Every account of the chart of accounts. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn accounts(&mut self) -> Result<Vec<Account>, Error> {
        Ok(self.list::<Account>(&[Account::NAME], &[], None).await?.resources)
    }

    /// A page of contacts, oldest change first. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn contacts(&mut self, query: ContactsQuery) -> Result<Page<Contact>, Error> {
        let archived = if query.include_archived { "true" } else { "false" };
        self.page(query.modified_since, query.page, &[BY_CHANGE, ("includeArchived", archived)]).await
    }

    /// Every item that `query` asks for, handed over one by one while the answer arrives. One call, since Xero does
    /// not page items. Items that can't be read are told of at the end and don't hold up the others.
    ///
    /// # Errors
    /// See [`Error`]. Items may have been handed over before an error.
    pub async fn items(
        &mut self,
        query: ItemsQuery,
        mut each: impl FnMut(Item) + Send,
    ) -> Result<ItemsRead, Error> {
        let mut parameters = vec![FOUR_DECIMALS];
        if query.only_tracked {
            parameters.push(("where", "IsTrackedAsInventory==true"));
        }
        let call = Call::get(Item::NAME, &[Item::NAME], &parameters, query.modified_since);
        let mut response = self.send(call).await?;
        let mut done = ItemsRead::default();
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(done);
        }
        let mut splitter = ElementSplitter::new(Item::NAME);
        let mut bytes = 0_usize;
        let bad = |SplitError(why)| Error::BadAnswer { resource: Item::NAME, why };
        let read = async {
            while let Some(chunk) = response.chunk().await.map_err(|error| self.client.read_failed(&error))? {
                bytes = bytes.saturating_add(chunk.len());
                if bytes > ITEMS_BYTES_MAX {
                    return Err(bad(SplitError(format!("it is longer than {ITEMS_BYTES_MAX} bytes"))));
                }
                let pushed = splitter.push(&chunk, |element| {
                    match serde_json::from_slice(element) {
                        Ok(item) => {
                            each(item);
                            done.count += 1;
                        }
                        Err(error) if done.unreadable.len() >= UNREADABLE_ITEMS_MAX => {
                            return Err(SplitError(json_error(&error)));
                        }
                        Err(error) => done.unreadable.push(Unreadable::new::<Item>(element, &error)),
                    }
                    Ok(())
                });
                pushed.map_err(bad)?;
            }
            done.answered_at = splitter.finish().map_err(bad)?;
            Ok(done)
        };
        let outcome = read.await;
        self.done(outcome).await
    }

    /// The invoices and bills with these ids, their lines included, in any order, and those of them that can't be
    /// read. Ids that don't exist are left out. One call for each [`IDS_PER_CALL`] ids, none for none.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn invoices_by_id(&mut self, ids: &[Uuid]) -> Result<Page<Invoice>, Error> {
        let mut all = Page::empty();
        for some in ids.chunks(IDS_PER_CALL) {
            let ids = some.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",");
            let page: Page<Invoice> =
                self.page(None, 1, &[("IDs", &ids), ("Statuses", INVOICE_STATUSES), FOUR_DECIMALS]).await?;
            all.resources.extend(page.resources);
            all.unreadable.extend(page.unreadable);
            all.answered_at = page.answered_at.or(all.answered_at);
        }
        Ok(all)
    }

    /// A page of the invoices and bills that changed since, voided and deleted ones included, oldest change first.
    /// `page` counts from 1. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn invoices_modified(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
    ) -> Result<Page<Invoice>, Error> {
        self.page(since, page, &[("Statuses", INVOICE_STATUSES), BY_CHANGE, FOUR_DECIMALS]).await
    }

    /// A page of the credit notes that changed since, oldest change first. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn credit_notes_modified(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
    ) -> Result<Page<CreditNote>, Error> {
        self.page(since, page, &[BY_CHANGE, FOUR_DECIMALS]).await
    }

    /// A page of the bank transactions that changed since, oldest change first. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn bank_transactions_modified(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
    ) -> Result<Page<BankTransaction>, Error> {
        self.page(since, page, &[BY_CHANGE, FOUR_DECIMALS]).await
    }

    /// A page of the purchase orders that changed since, oldest change first. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn purchase_orders_modified(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
    ) -> Result<Page<PurchaseOrder>, Error> {
        self.page(since, page, &[BY_CHANGE]).await
    }

    /// A page of the prepayments that changed since, oldest change first. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn prepayments_modified(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
    ) -> Result<Page<Prepayment>, Error> {
        self.page(since, page, &[BY_CHANGE, FOUR_DECIMALS]).await
    }

    /// A page of the overpayments that changed since, oldest change first. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn overpayments_modified(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
    ) -> Result<Page<Overpayment>, Error> {
        self.page(since, page, &[BY_CHANGE, FOUR_DECIMALS]).await
    }

    /// A page of the payments that changed since, those taken back included, oldest change first. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn payments_modified(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
    ) -> Result<Page<Payment>, Error> {
        self.page(since, page, &[BY_CHANGE]).await
    }

    /// A page of the manual journals that changed since, oldest change first. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn manual_journals_modified(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
    ) -> Result<Page<ManualJournal>, Error> {
        self.page(since, page, &[BY_CHANGE]).await
    }

    /// Every tax rate. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn tax_rates(&mut self) -> Result<Vec<TaxRate>, Error> {
        Ok(self.list::<TaxRate>(&[TaxRate::NAME], &[], None).await?.resources)
    }

    /// Every tracking category with its options, the archived ones too if asked for. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn tracking_categories(
        &mut self,
        include_archived: bool,
    ) -> Result<Vec<TrackingCategory>, Error> {
        let archived = [("includeArchived", if include_archived { "true" } else { "false" })];
        Ok(self.list::<TrackingCategory>(&[TrackingCategory::NAME], &archived, None).await?.resources)
    }

    /// Every currency that the organisation uses. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn currencies(&mut self) -> Result<Vec<Currency>, Error> {
        Ok(self.list::<Currency>(&[Currency::NAME], &[], None).await?.resources)
    }

    /// Every look of printed documents. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn branding_themes(&mut self) -> Result<Vec<BrandingTheme>, Error> {
        Ok(self.list::<BrandingTheme>(&[BrandingTheme::NAME], &[], None).await?.resources)
    }

    /// What plan and permissions let the connected user do. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn actions(&mut self) -> Result<Vec<Action>, Error> {
        Ok(self.list::<Action>(&["Organisation", Action::NAME], &[], None).await?.resources)
    }

    /// What writes are checked against before they are sent: the organisation, its accounts, and what plan and permissions
    /// allow. Three calls.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn write_rules(&mut self) -> Result<WriteRules, Error> {
        let organisation = self.organisation().await?;
        let accounts = self.accounts().await?;
        let actions = self.actions().await?;
        Ok(WriteRules { organisation, accounts, actions })
    }

    /// The balance of every account at the end of a day. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn balance_sheet(&mut self, day: Date) -> Result<BalanceSheet, Error> {
        let report = self.report("Reports/BalanceSheet", "BalanceSheet", day).await;
        let outcome = report.and_then(Report::into_balance_sheet);
        self.done(outcome).await
    }

    /// The debits and credits of every account up to the end of a day. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn trial_balance(&mut self, day: Date) -> Result<TrialBalance, Error> {
        let report = self.report("Reports/TrialBalance", "TrialBalance", day).await;
        let outcome = report.and_then(Report::into_trial_balance);
        self.done(outcome).await
    }

    async fn report(&mut self, counted_as: &'static str, name: &str, day: Date) -> Result<Report, Error> {
        let day = day.to_string();
        let path = [Report::NAME, name];
        let query = [("date", day.as_str())];
        let page = self.read::<Report>(Call::get(counted_as, &path, &query, None)).await?;
        let missing = || Error::BadAnswer { resource: counted_as, why: "the list is empty".to_owned() };
        first(page).ok_or_else(missing)
    }

    /// A purchase order as Xero prints it. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn purchase_order_pdf(&mut self, id: Uuid) -> Result<Vec<u8>, Error> {
        const RESOURCE: &str = "PurchaseOrders/pdf";
        let id = id.to_string();
        let path = [PurchaseOrder::NAME, &id];
        let call = Call { accept: PDF, ..Call::get(RESOURCE, &path, &[], None) };
        let mut response = self.send(call).await?;
        let outcome = match read_body(&mut response, RESPONSE_BYTES_MAX).await {
            Ok(body) if body.starts_with(b"%PDF-") => Ok(body),
            Ok(_) => Err(Error::BadAnswer { resource: RESOURCE, why: "it is no PDF".to_owned() }),
            Err(BodyError::Lost(why)) => Err(self.client.retry(why)),
            Err(error @ BodyError::TooLong(_)) => {
                Err(Error::BadAnswer { resource: RESOURCE, why: error.to_string() })
            }
        };
        self.done(outcome).await
    }

    /// The files beside a document. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn attachments(&mut self, of: AttachmentOf, id: Uuid) -> Result<Vec<Attachment>, Error> {
        let id = id.to_string();
        let path = [of.path(), &id, Attachment::NAME];
        let call = Call::get(of.counted_as(), &path, &[], None);
        Ok(self.read::<Attachment>(call).await?.resources)
    }

    /// What an attached PDF has in it, whatever it is in truth; `bytes_max` bytes at most. One call.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::BadAnswer`] if it is longer.
    pub async fn attached_pdf(
        &mut self,
        of: AttachmentOf,
        id: Uuid,
        attachment: Uuid,
        bytes_max: usize,
    ) -> Result<Vec<u8>, Error> {
        let (id, attachment) = (id.to_string(), attachment.to_string());
        let path = [of.path(), &id, Attachment::NAME, &attachment];
        let call =
            Call { accept: BYTES, file_form: Some(PDF), ..Call::get(of.counted_as(), &path, &[], None) };
        let mut response = self.send(call).await?;
        let outcome = match read_body(&mut response, bytes_max).await {
            Ok(body) => Ok(body),
            Err(BodyError::Lost(why)) => Err(self.client.retry(why)),
            Err(error @ BodyError::TooLong(_)) => {
                Err(Error::BadAnswer { resource: of.counted_as(), why: error.to_string() })
            }
        };
        self.done(outcome).await
    }

    /// The history of a resource. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn history(&mut self, of: HistoryOf, id: Uuid) -> Result<Vec<HistoryRecord>, Error> {
        let id = id.to_string();
        let path = [of.path(), &id, "History"];
        let call = Call::get(of.counted_as(), &path, &[], None);
        Ok(self.read::<HistoryRecord>(call).await?.resources)
    }

    pub(super) async fn page<R: Resource + DeserializeOwned>(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
        query: &[(&str, &str)],
    ) -> Result<Page<R>, Error> {
        let (page, size) = (page.max(1).to_string(), PAGE_SIZE.to_string());
        let mut query = query.to_vec();
        query.extend([("page", page.as_str()), ("pageSize", size.as_str())]);
        let body = self.body::<R>(Call::get(R::NAME, &[R::NAME], &query, since)).await;
        let outcome = body.and_then(|body| {
            let Some(body) = body else { return Ok(Page::empty()) };
            let raw = read_page::<&RawValue>(&body, R::NAME).map_err(|error| bad_answer::<R>(&error))?;
            Ok(raw.read_each())
        });
        self.done(outcome).await
    }

    pub(super) async fn list<R: Resource + DeserializeOwned>(
        &mut self,
        path: &[&str],
        query: &[(&str, &str)],
        since: Option<Timestamp>,
    ) -> Result<Page<R>, Error> {
        self.read(Call::get(R::NAME, path, query, since)).await
    }

    /// Reads an answer in which every element counts.
    async fn read<R: Resource + DeserializeOwned>(&mut self, call: Call<'_>) -> Result<Page<R>, Error> {
        let body = self.body::<R>(call).await;
        let outcome = body.and_then(|body| match body {
            Some(body) => read_page(&body, R::NAME).map_err(|error| bad_answer::<R>(&error)),
            None => Ok(Page::empty()),
        });
        self.done(outcome).await
    }

    /// The answer's body; none if it says that nothing has changed.
    async fn body<R: Resource>(&mut self, call: Call<'_>) -> Result<Option<Vec<u8>>, Error> {
        let mut response = self.send(call).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        match read_body(&mut response, RESPONSE_BYTES_MAX).await {
            Ok(body) => Ok(Some(body)),
            Err(BodyError::Lost(why)) => Err(self.client.retry(why)),
            Err(error @ BodyError::TooLong(_)) => {
                Err(Error::BadAnswer { resource: R::NAME, why: error.to_string() })
            }
        }
    }
}

fn bad_answer<R: Resource>(error: &serde_json::Error) -> Error {
    Error::BadAnswer { resource: R::NAME, why: json_error(error) }
}
