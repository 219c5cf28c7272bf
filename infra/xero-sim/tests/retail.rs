//! The retailer's file: its oddities, its broken lines, and the sums of an independent program.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that isn't as it should be"
)]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use parstock_xero_sim::act::{Act, DocumentKind, E4, Line, NewDocument, Status, TimedAct};
use parstock_xero_sim::retail::{RetailError, RetailYear, Supply, SupplyKind, SupplyRow, supply_csv};

use parstock_xero_sim::{Settings, World};

const SEED: u64 = 7;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/retail_small.csv")
}

fn open(path: &Path) -> RetailYear {
    RetailYear::open(path, SEED, Supply::Weekly).unwrap()
}

fn documents(year: &RetailYear) -> Vec<NewDocument> {
    let acts = year.days().unwrap().flat_map(|day| day.unwrap().acts);
    acts.map(|timed| match timed.act {
        Act::CreateDocument(document) => document,
        other => panic!("only documents are expected, not {other:?}"),
    })
    .collect()
}

fn named<'a>(documents: &'a [NewDocument], number: &str) -> &'a NewDocument {
    documents.iter().find(|document| document.number == number).unwrap()
}

fn find(documents: &[NewDocument], wanted: impl Fn(&NewDocument) -> bool) -> &NewDocument {
    documents.iter().find(|document| wanted(document)).unwrap()
}

fn units(line: &Line) -> i64 {
    line.quantity.0 / E4::ONE.0
}

/// A row of the check: item, then its eight figures as text.
fn sums(documents: &[NewDocument], opening: &[SupplyRow]) -> BTreeMap<String, Vec<String>> {
    #[derive(Default)]
    struct Item {
        units: [i64; 5],
        values: [E4; 3],
    }
    let mut items: BTreeMap<String, Item> = BTreeMap::new();
    for row in opening {
        items.entry(row.item.clone()).or_default().units[0] += row.quantity;
    }
    for document in documents {
        assert_eq!(document.status, Status::Authorised);
        for line in &document.lines {
            let Some(code) = &line.item_code else { continue };
            let item = items.entry(code.clone()).or_default();
            let net = line.quantity.times(line.unit_amount).round2();
            let (place, value) = match document.kind {
                DocumentKind::Invoice => (1, Some(0)),
                DocumentKind::SalesCredit => (2, Some(1)),
                DocumentKind::Bill => (3, Some(2)),
                DocumentKind::SupplierCredit => (4, None),
                other => panic!("{other:?} is not expected"),
            };
            item.units[place] += units(line);
            match value {
                Some(value) => item.values[value] = item.values[value] + net,
                None => assert_eq!(net, E4::ZERO, "adjustments are worth nothing"),
            }
        }
    }
    let money = |value: E4| value.to_string().strip_suffix("00").unwrap().to_owned();
    items
        .into_iter()
        .map(|(code, Item { units: [opening, sales, credits, bills, adjusted], values })| {
            let quantity = opening + bills - sales + credits - adjusted;
            let row = vec![
                quantity.to_string(),
                sales.to_string(),
                money(values[0]),
                credits.to_string(),
                money(values[1]),
                (-adjusted).to_string(),
                bills.to_string(),
                money(values[2]),
            ];
            (code, row)
        })
        .collect()
}

/// The same from the independent program; `None` without Python.
fn independent_sums(sales: &Path, supply: &[SupplyRow]) -> Option<BTreeMap<String, Vec<String>>> {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: the independent sum needs python3, which is not there");
        return None;
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(supply_csv(supply).as_bytes()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../local/independent_sum.py");
    let output = Command::new("python3").arg(script).arg(sales).arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    let heading = "item,quantity,sales_units,sales_value,credit_units,credit_value,adjustment_units,bill_units,bill_value";
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>().join(","), heading);
    let row = |record: csv::StringRecord| {
        let mut cells = record.iter().map(str::to_owned);
        (cells.next().unwrap(), cells.collect())
    };
    Some(reader.records().map(|record| row(record.unwrap())).collect())
}

fn check_against_independent_sums(path: &Path, supply: Supply) {
    let year = RetailYear::open(path, SEED, supply).unwrap();
    let mut rows = year.opening_rows();
    rows.extend(year.days().unwrap().flat_map(|day| day.unwrap().supply));
    let Some(independent) = independent_sums(path, &rows) else { return };
    let ours = sums(&documents(&year), &year.opening_rows());
    assert_eq!(ours.len(), year.counts().items as usize);
    assert_eq!(ours, independent);
    // The comparison can fail: a supply row that the other side doesn't see is noticed.
    if let Some(unseen) = rows.pop() {
        let other = independent_sums(path, &rows).unwrap();
        let differs = |(code, sums): (&String, &Vec<String>)| other.get(code) != Some(sums);
        let different: Vec<&String> = ours.iter().filter(|&row| differs(row)).map(|(code, _)| code).collect();
        assert_eq!(different, [&unseen.item]);
    }
}

/// Lets the simulated Xero do the whole year and compares what stands in its books with what was to be done.
fn check_that_the_books_accept(path: &Path) {
    let year = open(path);
    let mut world = World::open(None, SEED, Settings::development(SEED)).unwrap();
    world.apply_history(&year.setup()).unwrap();
    for day in year.days().unwrap() {
        world.apply_history(&day.unwrap().acts).unwrap();
    }
    let wanted = documents(&year);
    assert_eq!(world.document_count(), wanted.len());
    for (stands, wanted) in world.documents().zip(wanted) {
        assert_eq!((stands.kind, &stands.number, stands.date), (wanted.kind, &wanted.number, wanted.date));
        let total: E4 = wanted.lines.iter().map(|line| line.quantity.times(line.unit_amount).round2()).sum();
        assert_eq!(stands.total, total, "{}", wanted.number);
        assert!(total >= E4::ZERO, "{}", wanted.number);
    }
}

#[test]
fn the_books_accept_the_fixture() {
    check_that_the_books_accept(&fixture());
}

#[test]
fn the_fixture_agrees_with_the_independent_sum() {
    check_against_independent_sums(&fixture(), Supply::Weekly);
    check_against_independent_sums(&fixture(), Supply::None);
}

#[test]
fn a_real_file_is_accepted_and_agrees_with_the_independent_sum() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the real file is not part of the project; its place is told"
    )]
    let Ok(path) = std::env::var("PARSTOCK_SALES_FILE") else {
        eprintln!("skipped: PARSTOCK_SALES_FILE names no file of sales");
        return;
    };
    check_against_independent_sums(Path::new(&path), Supply::Weekly);
    check_that_the_books_accept(Path::new(&path));
}

#[test]
fn compressed_and_plain_files_read_the_same_whatever_their_name() {
    let dir = tempfile::tempdir().unwrap();
    let packed = dir.path().join("sales.csv");
    let mut gz =
        flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    gz.write_all(&std::fs::read(fixture()).unwrap()).unwrap();
    gz.finish().unwrap();
    assert_eq!(documents(&open(&packed)), documents(&open(&fixture())));
}

#[test]
fn codes_are_case_sensitive_and_items_come_before_their_use() {
    let year = open(&fixture());
    let items: Vec<_> = year
        .setup()
        .into_iter()
        .filter_map(|timed| match timed.act {
            Act::UpsertItem(item) => Some(item.code),
            _ => None,
        })
        .collect();
    for twin in ["10002a", "10002A", "84029e", "84029E", "PADS", "DCGS0099"] {
        assert!(items.iter().any(|code| code == twin), "{twin}");
    }
    for service in ["POST", "C2", "M", "BANK CHARGES", "gift_0001_20", "B"] {
        assert!(!items.iter().any(|code| code == service), "{service}");
    }
    for line in documents(&year).iter().flat_map(|document| &document.lines) {
        assert!(line.item_code.as_ref().is_none_or(|code| items.contains(code)), "{line:?}");
        assert!(line.item_code.is_some() || line.account_code.is_some(), "{line:?}");
        assert!(line.quantity > E4::ZERO, "{line:?}");
    }
}

#[test]
fn contacts_stand_before_the_first_document_and_no_customer_means_cash_sale() {
    let year = open(&fixture());
    let contacts: Vec<_> = year
        .setup()
        .into_iter()
        .filter_map(|timed| match timed.act {
            Act::UpsertContact(contact) => Some(contact.name),
            _ => None,
        })
        .collect();
    let documents = documents(&year);
    assert!(documents.iter().all(|document| contacts.contains(&document.contact)));
    assert!(documents.iter().any(|document| document.contact == "Cash sale"));
    assert!(documents.iter().any(|document| document.contact == "Customer 17850"));
}

#[test]
fn credits_come_back_and_corrections_carry_no_item() {
    let documents = documents(&open(&fixture()));
    let credit = find(&documents, |document| document.number.starts_with('C') && document.lines.len() == 3);
    assert_eq!(credit.kind, DocumentKind::SalesCredit);
    assert_eq!(credit.lines[1].item_code.as_deref(), Some("84029e"));
    assert_eq!(credit.lines[1].quantity, E4::whole(6));
    assert_eq!(credit.lines[2].item_code, None, "postage is a service");

    let corrections: Vec<_> = documents.iter().filter(|document| document.number.starts_with('A')).collect();
    let corrections: Vec<_> =
        corrections.into_iter().filter(|document| !document.number.starts_with("ADJ-")).collect();
    assert_eq!(corrections.len(), 2);
    assert_eq!(corrections[0].kind, DocumentKind::Invoice);
    assert_eq!(corrections[1].kind, DocumentKind::SalesCredit, "below 0 in the file");
    for correction in corrections {
        assert_eq!(correction.lines[0].item_code, None);
        assert_eq!(correction.lines[0].unit_amount, E4::cents(110_606));
    }
}

#[test]
fn a_document_that_sells_and_adjusts_becomes_two() {
    let documents = documents(&open(&fixture()));
    let adjustment =
        find(&documents, |document| document.number.starts_with("ADJ-") && document.lines.len() == 2);
    assert_eq!(adjustment.kind, DocumentKind::SupplierCredit);
    assert_eq!(adjustment.contact, "Stock adjustments");
    assert_eq!(adjustment.lines[0].quantity, E4::whole(7));
    assert_eq!(adjustment.lines[0].unit_amount, E4::ZERO);
    let sale = named(&documents, adjustment.number.strip_prefix("ADJ-").unwrap());
    assert_eq!((sale.kind, sale.lines.len()), (DocumentKind::Invoice, 1));
}

#[test]
fn repeated_items_and_long_documents_keep_every_line() {
    let documents = documents(&open(&fixture()));
    let is_sale = |document: &NewDocument| document.kind == DocumentKind::Invoice;
    assert!(documents.iter().any(|document| is_sale(document) && document.lines.len() > 100));
    let repeats = |document: &NewDocument| {
        document.lines.len() == 3
            && document.lines.iter().all(|line| line.item_code.as_deref() == Some("22423"))
    };
    assert!(documents.iter().any(repeats));
}

#[test]
fn supply_looks_back_only() {
    // The same file cut off after a day supplies the same until then.
    let whole = std::fs::read_to_string(fixture()).unwrap();
    let cut: String =
        whole.lines().filter(|line| !line.contains(",2023-04-2")).map(|line| format!("{line}\n")).collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.csv");
    std::fs::write(&path, cut.split("2023-04-30").next().unwrap().rsplit_once('\n').unwrap().0).unwrap();
    let supplied = |year: &RetailYear| -> Vec<SupplyRow> {
        let rows = year.days().unwrap().flat_map(|day| day.unwrap().supply);
        rows.filter(|row| row.date.to_string().as_str() < "2023-04-19").collect()
    };
    let (all, short) = (open(&fixture()), open(&path));
    assert!(short.counts().lines < all.counts().lines);
    assert!(supplied(&all).len() >= 5, "{:?}", supplied(&all));
    // The catalogue is known in advance, and the draws go by an item's place in it.
    assert_eq!(short.counts().items, all.counts().items, "cut less");
    assert_eq!(supplied(&short), supplied(&all));
    assert!(supplied(&all).iter().all(|row| row.kind == SupplyKind::Bill && row.quantity > 0));
}

#[test]
fn without_supply_there_are_neither_opening_nor_bills() {
    let year = RetailYear::open(&fixture(), SEED, Supply::None).unwrap();
    assert!(year.opening_rows().is_empty());
    assert_eq!(year.opening_csv(), "item,location,as_of,quantity,unit_cost\n");
    assert!(documents(&year).iter().all(|document| document.kind != DocumentKind::Bill));
}

#[test]
fn the_opening_is_dated_the_day_before_the_first_document() {
    let year = open(&fixture());
    let text = year.opening_csv();
    assert_eq!(text.lines().count() as u64, year.counts().items + 1);
    assert!(text.lines().skip(1).all(|line| line.contains(",,2023-03-19,")), "{text}");
}

#[test]
fn acts_are_in_order_of_time_and_the_same_each_time() {
    let year = open(&fixture());
    let acts: Vec<TimedAct> = year.days().unwrap().flat_map(|day| day.unwrap().acts).collect();
    assert!(acts.is_sorted_by_key(|timed| timed.at));
    assert!(year.setup().iter().all(|timed| timed.at < acts[0].at));
    // British Summer Time began on 26 March 2023: seven o'clock is six in UTC from then on.
    let text = std::fs::read_to_string(fixture()).unwrap();
    let first_time = text.lines().nth(1).unwrap().split(',').find(|cell| cell.starts_with("2023-")).unwrap();
    assert_eq!(acts[0].at.to_string(), format!("{}Z", first_time.replace(' ', "T")));
    let is_bill =
        |timed: &&TimedAct| matches!(&timed.act, Act::CreateDocument(d) if d.kind == DocumentKind::Bill);
    let bill = acts.iter().find(is_bill).unwrap();
    assert!(
        bill.at.to_string().as_str() > "2023-03-26" && bill.at.to_string().ends_with("T06:00:00Z"),
        "{bill:?}"
    );
    let again: Vec<TimedAct> = open(&fixture()).days().unwrap().flat_map(|day| day.unwrap().acts).collect();
    assert_eq!(acts, again);
}

const HEADING: &str =
    "invoice_no,stock_code,description,quantity,invoice_date,unit_price,customer_id,country\n";

fn refusal(content: &[u8]) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    RetailYear::open(file.path(), SEED, Supply::Weekly).unwrap_err().to_string()
}

#[test]
fn a_broken_line_is_named_with_what_to_do() {
    let good = "536365,71053,LANTERN,6,2010-12-01 08:26:00,3.39,17850,UK\n";
    let with = |bad: &str| refusal(format!("{HEADING}{good}{bad}\n").as_bytes());
    for (bad, expected) in [
        ("X1,71053,LANTERN,6,2010-12-01 08:26:00,3.39,17850,UK", "invoice_no \"X1\""),
        ("536366,,LANTERN,6,2010-12-01 08:26:00,3.39,17850,UK", "stock_code \"\""),
        ("536366,71053,LANTERN,six,2010-12-01 08:26:00,3.39,17850,UK", "quantity \"six\""),
        ("536366,71053,LANTERN,1.5,2010-12-01 08:26:00,3.39,17850,UK", "quantity \"1.5\""),
        ("536366,71053,LANTERN,0,2010-12-01 08:26:00,3.39,17850,UK", "quantity \"0\""),
        ("C536366,71053,LANTERN,6,2010-12-01 08:26:00,3.39,17850,UK", "above 0"),
        ("536366,71053,LANTERN,6,01/12/2010 08:26,3.39,17850,UK", "invoice_date \"01/12/2010 08:26\""),
        ("536366,71053,LANTERN,6,2010-12-01 08:26:00,3.39001,17850,UK", "at most four decimals"),
        ("536366,71053,LANTERN,6,2010-12-01 08:26:00,1e3,17850,UK", "unit_price \"1e3\""),
        ("536366,71053,LANTERN,6,2010-12-01 08:26:00,-3.39,17850,UK", "below 0"),
        ("536366,71053,LANTERN,6,2010-11-30 08:26:00,3.39,17850,UK", "sort the file by day"),
        ("536365,71053,LANTERN,6,2010-12-02 08:26:00,3.39,17850,UK", "must stay within one day"),
        ("536366,71053,LANTERN,6,2010-12-01 08:26:00,3.39", "6 columns"),
    ] {
        let message = with(bad);
        assert!(message.starts_with("line 3 of the sales file: "), "{bad}: {message}");
        assert!(message.contains(expected), "{bad}: {message}");
    }
}

#[test]
fn a_broken_file_is_refused_with_what_to_do() {
    assert!(refusal(b"").contains("no column \"invoice_no\""));
    assert!(refusal(b"invoice_no,stock_code\n").contains("no column \"description\""));
    assert!(refusal(HEADING.as_bytes()).contains("no lines"));
    let latin =
        [HEADING.as_bytes(), b"536365,71053,\xa3 SIGN,6,2010-12-01 08:26:00,3.39,17850,UK\n"].concat();
    assert!(refusal(&latin).contains("line 2 of the sales file: it is not UTF-8"), "{}", refusal(&latin));

    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&std::fs::read(fixture()).unwrap()).unwrap();
    let mut packed = gz.finish().unwrap();
    packed.truncate(packed.len() / 2);
    assert!(refusal(&packed).contains("is the file complete?"), "{}", refusal(&packed));

    let absent = RetailYear::open(Path::new("no/such/file.csv"), SEED, Supply::Weekly).unwrap_err();
    assert!(matches!(absent, RetailError::Open { .. }));
    assert!(absent.to_string().contains("no/such/file.csv"), "{absent}");
}

#[test]
fn a_heading_with_a_byte_order_mark_is_understood() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all("\u{feff}".as_bytes()).unwrap();
    file.write_all(&std::fs::read(fixture()).unwrap()).unwrap();
    assert_eq!(open(file.path()).counts(), open(&fixture()).counts());
}
