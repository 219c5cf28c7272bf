//! Items.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{decimal, elements, given, real};
use crate::act::{Act, E4, Item, Tracking};
use crate::error::XeroError;
use crate::http::query::Query;
use crate::http::render;
use crate::http::reply::Reply;
use crate::world::World;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ItemIn {
    #[serde(rename = "ItemID")]
    id: Option<Uuid>,
    code: Option<String>,
    name: Option<String>,
    description: Option<String>,
    purchase_details: Option<PriceIn>,
    sales_details: Option<PriceIn>,
    inventory_asset_account_code: Option<String>,
    quantity_on_hand: Option<Box<RawValue>>,
    total_cost_pool: Option<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PriceIn {
    unit_price: Option<Box<RawValue>>,
    account_code: Option<String>,
    #[serde(rename = "COGSAccountCode")]
    cogs_account_code: Option<String>,
}

impl World {
    pub(super) fn write_items(
        &mut self,
        now: Timestamp,
        only_new: bool,
        id: Option<Uuid>,
        query: &Query,
        body: &[u8],
    ) -> Reply {
        let mut all = match elements::<ItemIn>(body, "Items") {
            Ok(all) => all,
            Err(refusal) => return refusal,
        };
        if let (Some(_), [one]) = (id, all.as_mut_slice()) {
            one.id = id;
        }
        let four_places = query.four_places();
        self.write_each(
            now,
            "Items",
            query,
            all,
            |world, element| world.write_item(now, only_new, four_places, element),
            |world, json, element, id| match id.and_then(|id| world.books.item_with_id(id)) {
                Some(row) => render::item(json, row, four_places),
                None => {
                    json.id("ItemID", element.id.unwrap_or_default());
                    json.some_text("Code", element.code.as_deref());
                }
            },
        )
    }

    fn write_item(
        &mut self,
        now: Timestamp,
        only_new: bool,
        four_places: bool,
        element: &ItemIn,
    ) -> Result<(Uuid, Vec<String>), XeroError> {
        let sends_quantity = element.quantity_on_hand.is_some() || element.total_cost_pool.is_some();
        if sends_quantity && self.settings.switches.sent_quantity_is_refused {
            return Err(XeroError::refused("QuantityOnHand and TotalCostPool can't be set"));
        }
        let missing = || XeroError::refused("Code must be supplied");
        let code = given(&element.code).ok_or_else(missing)?;
        let present = match real(element.id) {
            Some(id) => {
                let missing = || XeroError::refused("The item could not be found");
                Some(self.books.item_with_id(id).ok_or_else(missing)?)
            }
            None => self.books.item_with_code(&code),
        };
        if only_new && present.is_some() {
            return Err(XeroError::refused(format!("Price List Item with Code '{code}' already exists")));
        }
        let before = present.map(|row| row.value.item.clone());
        let item = self.item_after(before.as_ref(), element, &code, four_places)?;
        if let Some(before) = before.filter(|before| before.code != code) {
            let act = Act::RenameItem { code: before.code, new_code: code.clone() };
            self.apply_within(now, &act, true)?;
        }
        self.apply_within(now, &Act::UpsertItem(item), true)?;
        let written = self.books.item_with_code(&code).map(|row| row.id);
        Ok((written.unwrap_or_default(), Vec::new()))
    }

    /// What an item is after an element, by the switch for what the element leaves out.
    fn item_after(
        &self,
        before: Option<&Item>,
        element: &ItemIn,
        code: &str,
        four_places: bool,
    ) -> Result<Item, XeroError> {
        let clears = self.settings.switches.item_update_clears_left_out;
        let before = before.filter(|_| !clears);
        let kept = |sent: &Option<String>, before: Option<&str>| {
            sent.as_deref().or(before).unwrap_or_default().to_owned()
        };
        let price =
            |sent: Option<&PriceIn>, before: Option<E4>| match sent.and_then(|s| s.unit_price.as_ref()) {
                Some(raw) => {
                    decimal("UnitPrice", raw).map(|price| if four_places { price } else { price.round2() })
                }
                None => Ok(before.unwrap_or_default()),
            };
        let account =
            |sent: &dyn Fn(&PriceIn) -> &Option<String>, details: &Option<PriceIn>, before: Option<&str>| {
                let sent = details.as_ref().and_then(|details| given(sent(details)));
                sent.or_else(|| before.map(str::to_owned)).unwrap_or_default()
            };
        let (asset, cogs, purchases) = match before.map(|item| &item.tracking) {
            Some(Tracking::Tracked { asset_account, cogs_account }) => {
                (Some(asset_account.as_str()), Some(cogs_account.as_str()), None)
            }
            Some(Tracking::Untracked { purchase_account }) => (None, None, Some(purchase_account.as_str())),
            None => (None, None, None),
        };
        let asset = given(&element.inventory_asset_account_code).or_else(|| asset.map(str::to_owned));
        let (bought, sold) = (&element.purchase_details, &element.sales_details);
        let tracking = match asset {
            Some(asset_account) => Tracking::Tracked {
                asset_account,
                cogs_account: account(&|details| &details.cogs_account_code, bought, cogs),
            },
            None => Tracking::Untracked {
                purchase_account: account(&|details| &details.account_code, bought, purchases),
            },
        };
        Ok(Item {
            code: code.to_owned(),
            name: kept(&element.name, before.map(|item| item.name.as_str())),
            description: kept(&element.description, before.map(|item| item.description.as_str())),
            tracking,
            purchase_price: price(bought.as_ref(), before.map(|item| item.purchase_price))?,
            sales_price: price(sold.as_ref(), before.map(|item| item.sales_price))?,
            sales_account: account(
                &|details| &details.account_code,
                sold,
                before.map(|item| item.sales_account.as_str()),
            ),
        })
    }
}
