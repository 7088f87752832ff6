# What is seen from outside the functions: by asking the API, by the lines of Cloud Run itself, and by the
# silence of schedules.

# Of what needs no rights, and reads Firestore and Cloud KMS.
resource "google_monitoring_uptime_check_config" "api" {
  display_name = "API"
  timeout      = "10s"
  period       = "60s"

  http_check {
    path         = "/.well-known/jwks.json"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  content_matchers {
    content = "\"keys\""
  }

  monitored_resource {
    type = "uptime_url"

    labels = {
      project_id = var.project_id
      host       = var.domain
    }
  }

  depends_on = [google_project_service.this]
}

locals {
  # Lines that Google's services write when our code can't.
  platform_lines = {
    ended = {
      title   = "Cloud Run has ended an instance"
      filter  = "resource.type=\"cloud_run_revision\" AND log_id(\"run.googleapis.com/varlog/system\") AND severity>=WARNING AND (textPayload:\"Memory limit\" OR textPayload:\"Container terminated on signal\" OR textPayload:\"Container called exit\")"
      runbook = "instances"
    }
    "no-instance" = {
      title   = "Requests found no instance"
      filter  = "resource.type=\"cloud_run_revision\" AND log_id(\"run.googleapis.com/requests\") AND textPayload:\"no available instance\""
      runbook = "instances"
    }
    export = {
      title   = "The database was not exported"
      filter  = "resource.type=\"cloud_scheduler_job\" AND resource.labels.job_id=\"export\" AND severity>=ERROR"
      runbook = "restore-from-backup"
    }
  }
}

resource "google_monitoring_alert_policy" "platform_line" {
  for_each = local.platform_lines

  display_name          = each.value.title
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = each.value.title

    condition_matched_log {
      filter = each.value.filter
    }
  }

  alert_strategy {
    auto_close = "3600s"

    notification_rate_limit {
      period = "900s"
    }
  }

  documentation {
    subject   = "Scrollback ${var.environment}: ${each.value.title}"
    content   = "${each.value.title}. What to do: ${local.runbooks_url}/${each.value.runbook}.md"
    mime_type = "text/markdown"

    links {
      display_name = "Runbook"
      url          = "${local.runbooks_url}/${each.value.runbook}.md"
    }
  }
}

# A schedule that dies is missed by nobody until what it makes good has piled up. Conditions for absent
# metrics end at 23.5 hours and begin with a first run; some schedules run once a day, and one may never have
# run.
resource "google_monitoring_alert_policy" "silence" {
  for_each = local.manifest.schedules

  display_name          = "Schedule ${each.key} does not run"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "No run that succeeded in ${each.value.silenceSeconds} seconds"

    condition_prometheus_query_language {
      query               = "absent_over_time(logging_googleapis_com:user_${local.metric_names["background_runs"]}{monitored_resource=\"cloud_run_revision\",function=\"${each.value.function}\"}[${each.value.silenceSeconds}s])"
      duration            = "0s"
      evaluation_interval = "60s"
    }
  }

  documentation {
    subject   = "Scrollback ${var.environment}: schedule ${each.key} does not run"
    content   = "What ${each.key} does is not done at the moment. What to do: ${local.runbooks_url}/silent-schedule.md"
    mime_type = "text/markdown"

    links {
      display_name = "Runbook"
      url          = "${local.runbooks_url}/silent-schedule.md"
    }
  }
}
