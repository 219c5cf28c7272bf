//! Every port on real ground: DynamoDB, SQS, Xero, SES, secrets, Slack.
