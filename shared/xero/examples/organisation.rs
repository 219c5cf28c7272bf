//! Prints the name of the connected organisation and what is left of its calls today.
//!
//! `XERO_CLIENT_ID` and `XERO_CLIENT_SECRET` name the custom connection; `XERO_API_URL` and `XERO_IDENTITY_URL` may
//! name another Xero, `XERO_TENANT_ID` the tenant that one may want (a custom connection needs none).

use parstock_xero::{
    API_URL, Client, IDENTITY_URL, MemoryBudget, MemoryTokenStore, Priority, SystemClock, XeroConfig,
    http_client,
};
use secrecy::SecretString;

#[expect(clippy::disallowed_methods, reason = "an example has no other configuration")]
fn setting(name: &str) -> Result<String, std::env::VarError> {
    std::env::var(name)
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example speaks on standard output")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let api_url = setting("XERO_API_URL").unwrap_or_else(|_| API_URL.to_owned());
    let identity_url = setting("XERO_IDENTITY_URL").unwrap_or_else(|_| IDENTITY_URL.to_owned());
    let mut config =
        XeroConfig::new(setting("XERO_CLIENT_ID")?, SecretString::from(setting("XERO_CLIENT_SECRET")?))?
            .with_api_url(&api_url)?
            .with_identity_url(&identity_url)?
            .with_scopes(["accounting.settings"]);
    if let Ok(tenant) = setting("XERO_TENANT_ID") {
        config = config.with_tenant(tenant.parse()?);
    }
    let client = Client::new(
        config,
        http_client(&[&api_url, &identity_url])?,
        MemoryTokenStore::default(),
        MemoryBudget::default(),
        SystemClock,
    );
    let mut session = client.session(Priority::Person, 1).await?;
    let organisation = session.organisation().await?;
    let left = session.remaining().and_then(|remaining| remaining.day);
    session.finish().await?;
    println!("{}", organisation.name.as_deref().unwrap_or("(no name)"));
    if let Some(left) = left {
        println!("{left} calls left today");
    }
    Ok(())
}
