//! Ids that follow from the seed, so that the same history has the same ids.

use uuid::Uuid;

/// The root under which all seeds live.
const ROOT: Uuid = Uuid::from_u128(0x8f3a_51c2_7d64_5b0e_9a1f_36c8_02d7_e4b9);

/// Makes ids for one seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids {
    namespace: Uuid,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Ids {
        Ids { namespace: Uuid::new_v5(&ROOT, &seed.to_be_bytes()) }
    }

    /// The id of what `material` names, such as `item/TEA-01`.
    pub(crate) fn id(&self, material: &str) -> Uuid {
        Uuid::new_v5(&self.namespace, material.as_bytes())
    }
}

/// The `LineItemID` of a document's line; `serial` counts every line that the document ever had.
pub(crate) fn line_id(document: Uuid, serial: u32) -> Uuid {
    Uuid::new_v5(&document, &serial.to_be_bytes())
}

/// The `PrepaymentID` or `OverpaymentID` of what a bank transaction brings.
pub(crate) fn advance_id(bank_transaction: Uuid) -> Uuid {
    Uuid::new_v5(&bank_transaction, b"advance")
}

/// A well-mixed number for draws: a pure function of its inputs (the finaliser of SplitMix64).
pub(crate) fn draw(seed: u64, stream: u64, counter: u64) -> u64 {
    let mut z =
        seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ counter.wrapping_mul(0xD1B5_4A32_D192_ED03);
    for _ in 0..2 {
        z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
    }
    z
}
