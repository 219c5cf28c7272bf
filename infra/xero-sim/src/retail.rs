//! A real retailer's invoice lines as a history of acts.
