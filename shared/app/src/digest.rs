//! The daily digest: put together once per org and day, stored, and sent as effects.
pub async fn produce<P: crate::ports::Ports>(_ports: &P, _org: parstock_domain::ids::OrgId) -> Result<(), crate::error::AppError> { Ok(()) }
