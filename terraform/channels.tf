resource "google_monitoring_notification_channel" "email" {
  for_each = var.alert_emails

  display_name = each.key
  type         = "email"
  labels       = { email_address = each.key }

  depends_on = [google_project_service.this]
}

# Slack hands its token to Cloud Monitoring's console only, which keeps it out of Terraform's state too.
data "google_monitoring_notification_channel" "slack" {
  count = var.slack_channel == null ? 0 : 1

  display_name = var.slack_channel
  type         = "slack"
}

locals {
  channels = concat(
    [for channel in google_monitoring_notification_channel.email : channel.id],
    data.google_monitoring_notification_channel.slack[*].name,
  )
}

resource "google_billing_budget" "project" {
  billing_account = var.budget.billing_account
  display_name    = "Scrollback ${var.environment}"

  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }

  amount {
    specified_amount {
      currency_code = var.budget.currency
      units         = tostring(var.budget.units)
    }
  }

  threshold_rules {
    threshold_percent = 0.5
  }

  threshold_rules {
    threshold_percent = 0.9
  }

  threshold_rules {
    threshold_percent = 1.0
  }

  # What the month will have cost, if it goes on like this.
  threshold_rules {
    threshold_percent = 1.2
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = local.channels
    disable_default_iam_recipients   = false
  }
}
