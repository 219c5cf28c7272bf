//! What a stack says of itself: its state, and where its parts are.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::Stack;
use parstock_adapters::config::{Config, XeroAddresses};
use parstock_adapters::queue::QueueAddress;
use parstock_app::ports::QueueName;

use super::judge;
use crate::error::LocalError;

/// A stack as CloudFormation describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// CloudFormation's word for its state.
    pub state: String,
    /// Why it is in that state, if CloudFormation says.
    pub reason: Option<String>,
    /// Its outputs.
    pub outputs: BTreeMap<String, String>,
}

impl From<Stack> for Described {
    fn from(stack: Stack) -> Self {
        let outputs = stack.outputs.unwrap_or_default().into_iter();
        Self {
            name: stack.stack_name.unwrap_or_default(),
            state: stack.stack_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            reason: stack.stack_status_reason,
            outputs: outputs.filter_map(|output| output.output_key.zip(output.output_value)).collect(),
        }
    }
}

impl Described {
    /// Whether its parts are all there. While it is updated, the old or the new ones work.
    ///
    /// # Errors
    /// [`LocalError::Outside`] says what to do.
    pub fn usable(&self) -> Result<(), LocalError> {
        let finding = judge::state(&self.state, self.reason.as_deref());
        if finding.grade != crate::doctor::Grade::Failed {
            return Ok(());
        }
        Err(LocalError::Outside(format!(
            "the stack `{}` can't be used: {}. {}",
            self.name,
            finding.found,
            finding.to_do.unwrap_or_default()
        )))
    }

    /// An output.
    pub fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).map(String::as_str)
    }

    /// The settings of its functions, as far as the commands need them.
    ///
    /// # Errors
    /// [`LocalError::Input`] names every output that is missing.
    pub fn config(&self, xero: XeroAddresses) -> Result<Config, LocalError> {
        let mut missing = Vec::new();
        let mut of = |name: String| {
            self.output(&name).map(str::to_owned).unwrap_or_else(|| {
                missing.push(name);
                String::new()
            })
        };
        let queue = |of: &mut dyn FnMut(String) -> String, queue: QueueName| {
            let word = output_word(queue);
            let url = of(format!("{word}QueueUrl"));
            QueueAddress { url, dead_letter_url: Some(of(format!("{word}DeadLetterUrl"))) }
        };
        let config = Config {
            stack: self.name.clone(),
            table: of("Table".to_owned()),
            queues: QueueName::ALL.into_iter().map(|name| (name, queue(&mut of, name))).collect(),
            secret_prefix: of("SecretPrefix".to_owned()),
            connections: of("Connections".to_owned())
                .split(',')
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect(),
            xero,
            mail_from: of("MailFrom".to_owned()),
            console_url: of("ConsoleUrl".to_owned()).trim_end_matches('/').to_owned(),
        };
        if missing.is_empty() {
            return Ok(config);
        }
        Err(LocalError::Input(format!(
            "the stack `{}` is none of parstock's, or of another version than this command ({}): it has no output {}",
            self.name,
            env!("CARGO_PKG_VERSION"),
            missing.join(", ")
        )))
    }
}

const fn output_word(queue: QueueName) -> &'static str {
    match queue {
        QueueName::Events => "Events",
        QueueName::Work => "Work",
        QueueName::Effects => "Effects",
    }
}

/// Who a caller is, from the ARN that AWS gives: the person's name and by which door. CloudTrail has the whole of it under
/// the same name and instant.
pub fn person(arn: &str) -> String {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let who = match parts.as_slice() {
        [_, _, _, _, _, resource] => *resource,
        _ => return "someone known to AWS".to_owned(),
    };
    let last = who.rsplit('/').next().unwrap_or(who);
    match who.split('/').collect::<Vec<_>>().as_slice() {
        ["assumed-role", role, session] => format!("{session} (AWS role {role})"),
        ["user", ..] => format!("{last} (AWS user)"),
        _ => format!("{last} (AWS)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(state: &str, outputs: &[(&str, &str)]) -> Described {
        Described {
            name: "shop".to_owned(),
            state: state.to_owned(),
            reason: None,
            outputs: outputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }

    fn xero() -> XeroAddresses {
        crate::start::addresses(parstock_xero::API_URL.to_owned(), parstock_xero::IDENTITY_URL.to_owned())
    }

    const OUTPUTS: [(&str, &str); 11] = [
        ("Table", "shop-table"),
        ("SecretPrefix", "parstock/shop"),
        ("ConsoleUrl", "https://stock.example.com/"),
        ("Connections", "main, second"),
        ("MailFrom", "stock@example.com"),
        ("EventsQueueUrl", "https://sqs.eu-west-1.amazonaws.com/1/events"),
        ("EventsDeadLetterUrl", "https://sqs.eu-west-1.amazonaws.com/1/events-dead"),
        ("WorkQueueUrl", "https://sqs.eu-west-1.amazonaws.com/1/work"),
        ("WorkDeadLetterUrl", "https://sqs.eu-west-1.amazonaws.com/1/work-dead"),
        ("EffectsQueueUrl", "https://sqs.eu-west-1.amazonaws.com/1/effects"),
        ("EffectsDeadLetterUrl", "https://sqs.eu-west-1.amazonaws.com/1/effects-dead"),
    ];

    #[test]
    fn the_parts_of_a_stack_are_found_by_its_outputs_and_every_missing_one_is_named() {
        let config = described("CREATE_COMPLETE", &OUTPUTS).config(xero()).unwrap();
        assert_eq!(config.table, "shop-table");
        assert_eq!(config.connections, ["main", "second"]);
        assert_eq!(config.console_url, "https://stock.example.com");
        let effects = config.queues.get(&QueueName::Effects).unwrap();
        assert!(effects.url.ends_with("/effects"), "{effects:?}");
        assert!(effects.dead_letter_url.as_ref().unwrap().ends_with("/effects-dead"), "{effects:?}");

        let error = described("CREATE_COMPLETE", &[]).config(xero()).unwrap_err();
        assert_eq!(error.exit_code(), crate::error::BAD_INPUT);
        for (name, _) in OUTPUTS {
            assert!(error.to_string().contains(name), "{name}: {error}");
        }
    }

    #[test]
    fn a_stack_is_used_only_while_all_its_parts_are_there() {
        for state in ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
        {
            described(state, &[]).usable().unwrap();
        }
        for state in
            ["CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "DELETE_IN_PROGRESS"]
        {
            let error = described(state, &[]).usable().unwrap_err();
            assert_eq!(error.exit_code(), crate::error::OUTSIDE_FAILED);
            assert!(error.to_string().contains(state), "{error}");
        }
    }

    #[test]
    fn who_decides_is_named_with_the_door_they_came_by() {
        for (arn, name) in [
            (
                "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_1f/jane@example.com",
                "jane@example.com (AWS role AWSReservedSSO_Admin_1f)",
            ),
            ("arn:aws:iam::123456789012:user/sales/jane", "jane (AWS user)"),
            ("arn:aws:iam::123456789012:root", "root (AWS)"),
            ("arn:aws:sts::123456789012:federated-user/jane", "jane (AWS)"),
            ("", "someone known to AWS"),
        ] {
            assert_eq!(person(arn), name);
        }
    }
}
