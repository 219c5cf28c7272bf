//! Runs a simulated Xero on this machine, with the demo company of a homewares shop in it, until it is stopped. It prints
//! the settings with which the other examples find it.
//!
//! `cargo run -p parstock-xero --example simulator`

use std::sync::{Arc, Mutex};

use jiff::{Timestamp, civil::date};
use parstock_xero::Clock;
use parstock_xero_sim::{Settings, SimClock, World, demo::DemoCompany, router};

/// The seed of the demo company.
const SEED: u64 = 1;
/// Where it listens.
const ADDRESS: &str = "127.0.0.1:4010";

/// The machine's clock, as the simulator asks it.
struct Now;

impl SimClock for Now {
    fn now(&self) -> Timestamp {
        parstock_xero::SystemClock.now()
    }
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example speaks on standard output")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::development(SEED);
    let (id, secret) = (settings.client_id.clone(), settings.client_secret.clone());
    let mut world = World::open(None, SEED, settings)?;
    world.apply_history(DemoCompany::new(SEED, date(2026, 3, 2)).history())?;
    let app = router(Arc::new(Mutex::new(world)), Arc::new(Now));
    let listener = tokio::net::TcpListener::bind(ADDRESS).await?;
    println!("export XERO_CLIENT_ID={id} XERO_CLIENT_SECRET={secret}");
    println!("export XERO_API_URL=http://{ADDRESS}/api.xro/2.0 XERO_IDENTITY_URL=http://{ADDRESS}");
    axum::serve(listener, app).await?;
    Ok(())
}
