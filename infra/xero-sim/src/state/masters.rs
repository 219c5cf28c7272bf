//! Organisation, accounts, contacts and items.

use crate::act::{Account, Contact, Item, Organisation, Tracking};
use crate::error::XeroError;
use crate::state::{Books, Happening, Row, Stock, StockedItem};

/// Longest account code, in characters (Xero-OpenAPI, Account).
const ACCOUNT_CODE_LIMIT: usize = 10;
/// Longest item code, in characters (Xero-OpenAPI, Item).
const ITEM_CODE_LIMIT: usize = 30;
/// Longest item name, in characters (Xero-OpenAPI, Item).
const ITEM_NAME_LIMIT: usize = 50;
/// Longest item description, in characters (Xero-OpenAPI, Item).
const ITEM_DESCRIPTION_LIMIT: usize = 4_000;
/// Type of the accounts that hold tracked stock.
pub(super) const INVENTORY: &str = "INVENTORY";

/// Refuses a text that is empty or longer than the limit.
fn check_text(field: &str, text: &str, limit: usize) -> Result<(), XeroError> {
    if text.is_empty() {
        return Err(XeroError::refused(format!("{field} must be supplied")));
    }
    check_length(field, text, limit)
}

fn check_length(field: &str, text: &str, limit: usize) -> Result<(), XeroError> {
    if text.chars().count() > limit {
        return Err(XeroError::refused(format!("{field} must be {limit} characters or less")));
    }
    Ok(())
}

/// The place that the next row of a table gets.
fn next_index<T>(rows: &[T]) -> u32 {
    u32::try_from(rows.len()).unwrap_or(u32::MAX)
}

impl Books {
    pub(super) fn set_up(
        &mut self,
        at: i64,
        organisation: &Organisation,
    ) -> Result<Vec<Happening>, XeroError> {
        check_text("Name", &organisation.name, 255)?;
        let id = match &self.organisation {
            Some(present) => present.id,
            None => self.ids.id(&format!("organisation/{}", organisation.name)),
        };
        self.organisation = Some(Row { id, updated: at, value: organisation.clone() });
        Ok(Vec::new())
    }

    pub(super) fn upsert_account(&mut self, at: i64, account: &Account) -> Result<Vec<Happening>, XeroError> {
        check_text("Code", &account.code, ACCOUNT_CODE_LIMIT)?;
        check_text("Name", &account.name, 150)?;
        let known = self.account_by_code.get(&account.code).and_then(|i| self.accounts.get_mut(*i as usize));
        if let Some(row) = known {
            row.value = account.clone();
            row.updated = at;
        } else {
            self.account_by_code.insert(account.code.clone(), next_index(&self.accounts));
            let id = self.ids.id(&format!("account/{}", account.code));
            self.accounts.push(Row { id, updated: at, value: account.clone() });
        }
        Ok(Vec::new())
    }

    pub(super) fn upsert_contact(&mut self, at: i64, contact: &Contact) -> Result<Vec<Happening>, XeroError> {
        check_text("Name", &contact.name, 255)?;
        let known = self.contact_by_name.get(&contact.name).and_then(|i| self.contacts.get_mut(*i as usize));
        if let Some(row) = known {
            row.value = contact.clone();
            row.updated = at;
            return Ok(vec![Happening::Contact { id: row.id, is_new: false }]);
        }
        let index = next_index(&self.contacts);
        let id = self.ids.id(&format!("contact/{}", contact.name));
        self.contact_by_name.insert(contact.name.clone(), index);
        self.contact_by_id.insert(id, index);
        self.contacts.push(Row { id, updated: at, value: contact.clone() });
        Ok(vec![Happening::Contact { id, is_new: true }])
    }

    pub(super) fn upsert_item(&mut self, at: i64, item: &Item) -> Result<Vec<Happening>, XeroError> {
        check_text("Code", &item.code, ITEM_CODE_LIMIT)?;
        check_length("Name", &item.name, ITEM_NAME_LIMIT)?;
        check_length("Description", &item.description, ITEM_DESCRIPTION_LIMIT)?;
        self.check_item_accounts(item)?;
        let known = self.item_by_code.get(&item.code).and_then(|i| self.items.get_mut(*i as usize));
        if let Some(row) = known {
            let becomes_untracked =
                matches!(item.tracking, Tracking::Untracked { .. }) && row.value.is_tracked();
            if becomes_untracked && row.value.has_moved {
                return Err(XeroError::refused(format!(
                    "Item {} has transactions and can't become untracked",
                    item.code
                )));
            }
            row.value.item = item.clone();
            row.updated = at;
            return Ok(Vec::new());
        }
        let index = next_index(&self.items);
        let id = self.ids.id(&format!("item/{}", item.code));
        self.item_by_code.insert(item.code.clone(), index);
        self.item_by_id.insert(id, index);
        let value = StockedItem {
            item: item.clone(),
            stock: Stock::default(),
            has_moved: false,
            archived: false,
            deleted: false,
        };
        self.items.push(Row { id, updated: at, value });
        Ok(Vec::new())
    }

    /// Gives an item another code; its id and its past stay.
    pub(super) fn rename_item(
        &mut self,
        at: i64,
        code: &str,
        new_code: &str,
    ) -> Result<Vec<Happening>, XeroError> {
        check_text("Code", new_code, ITEM_CODE_LIMIT)?;
        if self.item_by_code.contains_key(new_code) {
            return Err(XeroError::refused(format!("Price List Item with Code '{new_code}' already exists")));
        }
        let index = self.item_by_code.remove(code).ok_or_else(|| no_item(code))?;
        self.item_by_code.insert(new_code.to_owned(), index);
        if let Some(row) = self.items.get_mut(index as usize) {
            new_code.clone_into(&mut row.value.item.code);
            row.updated = at;
        }
        Ok(Vec::new())
    }

    /// Marks an item as inactive, or takes that back.
    pub(super) fn archive_item(
        &mut self,
        at: i64,
        code: &str,
        archived: bool,
    ) -> Result<Vec<Happening>, XeroError> {
        let index = *self.item_by_code.get(code).ok_or_else(|| no_item(code))?;
        if let Some(row) = self.items.get_mut(index as usize) {
            row.value.archived = archived;
            row.updated = at;
        }
        Ok(Vec::new())
    }

    /// Removes an item that stands on no document.
    pub(super) fn delete_item(&mut self, code: &str) -> Result<Vec<Happening>, XeroError> {
        let index = *self.item_by_code.get(code).ok_or_else(|| no_item(code))?;
        let mut lines = self.documents.iter().flat_map(|document| &document.lines);
        if lines.any(|line| line.item == Some(index)) {
            return Err(XeroError::refused(format!(
                "Item {code} is used on transactions and can't be deleted"
            )));
        }
        self.item_by_code.remove(code);
        if let Some(row) = self.items.get_mut(index as usize) {
            row.value.deleted = true;
            self.item_by_id.remove(&row.id);
        }
        Ok(Vec::new())
    }

    /// Archives a contact and moves its documents to another, without changing them otherwise.
    pub(super) fn merge_contacts(
        &mut self,
        at: i64,
        from: &str,
        into: &str,
    ) -> Result<Vec<Happening>, XeroError> {
        let missing = |name: &str| XeroError::refused(format!("The contact '{name}' could not be found"));
        let gone = *self.contact_by_name.get(from).ok_or_else(|| missing(from))?;
        let kept = *self.contact_by_name.get(into).ok_or_else(|| missing(into))?;
        if gone == kept {
            return Err(XeroError::refused("A contact can't be merged with itself"));
        }
        let mut happenings = Vec::new();
        let kept_id = self.contact(kept).map(|row| row.id).unwrap_or_default();
        if let Some(row) = self.contacts.get_mut(gone as usize) {
            row.updated = at;
            self.merged.insert(row.id, kept_id);
            happenings.push(Happening::Contact { id: row.id, is_new: false });
        }
        for document in self.documents.iter_mut().filter(|document| document.contact == gone) {
            document.contact = kept;
        }
        Ok(happenings)
    }

    fn check_item_accounts(&self, item: &Item) -> Result<(), XeroError> {
        self.known_account(&item.sales_account)?;
        match &item.tracking {
            Tracking::Untracked { purchase_account } => self.known_account(purchase_account).map(|_| ()),
            Tracking::Tracked { asset_account, cogs_account } => {
                self.known_account(cogs_account)?;
                let asset = self.known_account(asset_account)?;
                if asset.account_type != INVENTORY {
                    return Err(XeroError::refused(format!(
                        "InventoryAssetAccountCode {asset_account} must be an account of type {INVENTORY}"
                    )));
                }
                Ok(())
            }
        }
    }

    fn known_account(&self, code: &str) -> Result<&Account, XeroError> {
        self.account(self.account_by_code.get(code).copied())
            .ok_or_else(|| XeroError::refused(format!("Account code '{code}' is not a valid code")))
    }
}

/// Refusal of an item that is not known.
pub(super) fn no_item(code: &str) -> XeroError {
    XeroError::refused(format!("Item code '{code}' is not valid"))
}
