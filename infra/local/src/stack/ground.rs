//! Looks at what a stack stands on: its state, table, secrets, mail and alarms.

use aws_sdk_cloudwatch::types::{MetricAlarm, StateValue};
use aws_sdk_dynamodb::types::{PointInTimeRecoveryStatus, TimeToLiveStatus};
use aws_sdk_sesv2::error::SdkError;
use aws_sdk_sesv2::operation::get_email_identity::GetEmailIdentityError;
use parstock_adapters::aws::why;
use parstock_adapters::vault::{Freshness, Vault, names, webhook_keys};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{Stack, judge};
use crate::doctor::{self, Finding};

/// Looks at all of it.
pub async fn look(stack: &Stack) -> Vec<Finding> {
    let described = &stack.described;
    let mut findings = vec![
        judge::state(&described.state, described.reason.as_deref()),
        doctor::judge::version(env!("CARGO_PKG_VERSION"), described.output("Version")),
    ];
    findings.extend(table(stack).await);
    let keys = webhook_keys(&*stack.vault, Freshness::Now).await;
    let keys = keys.map(|keys| keys.len()).map_err(|error| error.to_string());
    findings.push(doctor::judge::webhook_keys(&keys, true));
    findings.push(judge::console_secret(&console_secret(stack).await));
    findings.extend(mail(stack).await);
    findings.extend(alarms(stack).await);
    findings
}

async fn table(stack: &Stack) -> Vec<Finding> {
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk);
    let name = stack.config.table.as_str();
    let described = client.describe_table().table_name(name).send().await;
    let described = described.map_err(|error| why(&error)).map(|answer| {
        let table =
            answer.table.unwrap_or_else(|| aws_sdk_dynamodb::types::TableDescription::builder().build());
        judge::Table {
            status: table.table_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            protected: table.deletion_protection_enabled == Some(true),
        }
    });
    let backups = client.describe_continuous_backups().table_name(name).send().await;
    let recovery = backups.map_err(|error| why(&error)).map(|answer| {
        let described = answer.continuous_backups_description;
        let recovery = described.and_then(|described| described.point_in_time_recovery_description);
        recovery.and_then(|recovery| recovery.point_in_time_recovery_status)
            == Some(PointInTimeRecoveryStatus::Enabled)
    });
    let expiry = client.describe_time_to_live().table_name(name).send().await;
    let expiry = expiry.map_err(|error| why(&error)).map(|answer| {
        let status = answer.time_to_live_description.and_then(|described| described.time_to_live_status);
        matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling))
    });
    let mut findings = judge::table(&described);
    findings.extend([judge::recovery(&recovery), judge::expiry(&expiry)]);
    findings
}

/// Whether the console's secret is there, and is JSON with fields.
async fn console_secret(stack: &Stack) -> Result<Option<bool>, String> {
    let secret = stack.vault.get(names::CONSOLE, Freshness::Now).await.map_err(|error| error.to_string())?;
    Ok(secret.map(|secret| {
        let fields = serde_json::from_str::<Value>(secret.expose_secret()).ok();
        fields.as_ref().and_then(Value::as_object).is_some_and(|fields| !fields.is_empty())
    }))
}

async fn mail(stack: &Stack) -> [Finding; 2] {
    let client = aws_sdk_sesv2::Client::new(&stack.sdk);
    let account = client.get_account().send().await;
    let account = account.map_err(|error| why(&error)).map(|account| judge::Mailing {
        production: account.production_access_enabled,
        sends: account.sending_enabled,
    });
    let from = stack.config.mail_from.as_str();
    let domain = from.rsplit('@').next().unwrap_or(from);
    let mut verified = Ok(None);
    for identity in [from, domain] {
        match client.get_email_identity().email_identity(identity).send().await {
            Ok(answer) => {
                // either of the two is enough
                verified = Ok(Some(verified == Ok(Some(true)) || answer.verified_for_sending_status));
            }
            Err(error) if is_unknown(&error) => {}
            Err(error) => verified = Err(why(&error)),
        }
    }
    [judge::mailing(&account), judge::sender(from, &verified)]
}

fn is_unknown<R>(error: &SdkError<GetEmailIdentityError, R>) -> bool {
    error.as_service_error().is_some_and(GetEmailIdentityError::is_not_found_exception)
}

async fn alarms(stack: &Stack) -> Vec<Finding> {
    let Some(topic) = stack.described.output("AlarmTopic") else {
        return vec![judge::listeners(&Err("the stack has no output AlarmTopic".to_owned()))];
    };
    let asked = aws_sdk_sns::Client::new(&stack.sdk).get_topic_attributes().topic_arn(topic).send().await;
    let heard = asked.map_err(|error| why(&error)).map(|answer| {
        let attributes = answer.attributes.unwrap_or_default();
        let count = |name: &str| attributes.get(name).and_then(|count| count.parse().ok()).unwrap_or(0);
        (count("SubscriptionsConfirmed"), count("SubscriptionsPending"))
    });
    vec![judge::listeners(&heard), judge::alarms(&alarm_states(stack, topic).await)]
}

/// The names of the stack's alarms, and whether each is raised. CloudFormation names them after the stack; those of a stack whose name
/// begins with this one's tell another topic.
async fn alarm_states(stack: &Stack, topic: &str) -> Result<Vec<(String, bool)>, String> {
    let client = aws_sdk_cloudwatch::Client::new(&stack.sdk);
    let asked = client.describe_alarms().alarm_name_prefix(format!("{}-", stack.config.stack)).send().await;
    let answer = asked.map_err(|error| why(&error))?;
    let state = |alarm: MetricAlarm| {
        (alarm.alarm_name.unwrap_or_default(), alarm.state_value == Some(StateValue::Alarm))
    };
    let ours = |alarm: &MetricAlarm| alarm.alarm_actions().iter().any(|told| told == topic);
    Ok(answer.metric_alarms.unwrap_or_default().into_iter().filter(ours).map(state).collect())
}
