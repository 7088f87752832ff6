# One entry for each alert: which metric, summed over which window, above what, and the page that says what to
# do.
locals {
  # By metric of the logs. `window` in seconds, `above` in events in a window.
  log_alerts = {
    "dead-letters"        = { metric = "dead_letters", above = 0, window = 300, severity = "ERROR", runbook = "dead-letters", title = "A delivery was given up" }
    "failed-jobs"         = { metric = "failed_jobs", above = 0, window = 300, severity = "ERROR", runbook = "dead-letters", title = "A job of operators was given up" }
    "breaker-open"        = { metric = "breaker_openings", above = 0, window = 60, severity = "ERROR", runbook = "breaker-open", title = "A model is not asked any more" }
    "model-misconfigured" = { metric = "misconfigured_models", above = 0, window = 300, severity = "ERROR", runbook = "breaker-open", title = "A model can't be used as it is configured" }
    "answers-failing"     = { metric = "failed_answers", above = var.thresholds.answers_failed_per_hour, window = 3600, severity = "WARNING", runbook = "breaker-open", title = "Models fail to answer" }
    "model-budget"        = { metric = "budgets_exhausted", above = 0, window = 300, severity = "WARNING", runbook = "cost-spike", title = "An app has used up its budget for models" }
    "reconciler-findings" = { metric = "reconciler_findings", above = 3, window = 3600, severity = "WARNING", runbook = "reconciler-findings", title = "Work keeps getting lost and is made good" }
    "missing-messages"    = { metric = "missing_messages", above = 0, window = 300, severity = "CRITICAL", runbook = "restore-from-backup", title = "Messages are missing" }
    "failed-logins"       = { metric = "failed_logins", above = var.thresholds.failed_logins_per_hour, window = 3600, severity = "WARNING", runbook = "failed-logins", title = "Many sign-ins fail" }
    "reused-tokens"       = { metric = "reused_refresh_tokens", above = 5, window = 3600, severity = "WARNING", runbook = "failed-logins", title = "Refresh tokens are being used twice" }
    "refused-tokens"      = { metric = "refused_tokens", above = var.thresholds.failed_logins_per_hour, window = 3600, severity = "WARNING", runbook = "key-leak", title = "Many access tokens are refused" }
    "platform-outage"     = { metric = "api_unavailable", above = 50, window = 300, severity = "CRITICAL", runbook = "firestore-outage", title = "Firestore or a queue does not answer" }
    "background-failing"  = { metric = "background_failures", above = 50, window = 300, severity = "ERROR", runbook = "queue-backlog", title = "Background work keeps failing" }
    "crashes"             = { metric = "crashes", above = 2, window = 300, severity = "ERROR", runbook = "bad-deployment", title = "Instances crash" }
  }

  # By metric of Google Cloud. The aligner makes one number of a window, the reducer one of all series.
  platform_alerts = {
    "queue-age" = {
      title   = "Events wait too long"
      filter  = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type=\"pubsub_subscription\""
      aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", group_by = ["resource.label.subscription_id"]
      above   = var.thresholds.queue_age_seconds, window = 60, severity = "ERROR", runbook = "queue-backlog"
    }
    "task-age" = {
      title   = "Tasks start too late"
      filter  = "metric.type=\"cloudtasks.googleapis.com/queue/task_attempt_delays\" AND resource.type=\"cloud_tasks_queue\""
      aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX", group_by = ["resource.label.queue_id"]
      above   = var.thresholds.queue_age_seconds * 1000, window = 300, severity = "ERROR", runbook = "queue-backlog"
    }
    "queue-depth" = {
      title   = "A queue grows"
      filter  = "metric.type=\"cloudtasks.googleapis.com/queue/depth\" AND resource.type=\"cloud_tasks_queue\""
      aligner = "ALIGN_MEAN", reducer = "REDUCE_MAX", group_by = ["resource.label.queue_id"]
      above   = var.thresholds.queue_depth, window = 600, severity = "WARNING", runbook = "queue-backlog"
    }
    "dead-letters-moved" = {
      title   = "Pub/Sub has given up an event"
      filter  = "metric.type=\"pubsub.googleapis.com/subscription/dead_letter_message_count\" AND resource.type=\"pubsub_subscription\""
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", group_by = []
      above   = 0, window = 300, severity = "ERROR", runbook = "dead-letters"
    }
    # By code, so that what never reaches our code counts too: no instance, no right, out of memory. Whether a
    # success is called ok or 200 differs by target.
    "task-attempts" = {
      title   = "Attempts of tasks fail"
      filter  = "metric.type=\"cloudtasks.googleapis.com/queue/task_attempt_count\" AND resource.type=\"cloud_tasks_queue\" AND metric.label.response_code!=monitoring.regex.full_match(\"(?i)ok|2[0-9]{2}.*\")"
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", group_by = ["resource.label.queue_id", "metric.label.response_code"]
      above   = 50, window = 300, severity = "ERROR", runbook = "queue-backlog"
    }
    # Cloud Run's own count: an instance that dies writes no line.
    "service-failures" = {
      title   = "A function answers 5xx"
      filter  = "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\" AND metric.label.response_code_class=\"5xx\""
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", group_by = ["resource.label.service_name"]
      above   = 50, window = 300, severity = "ERROR", runbook = "error-rate"
    }
    # The API's own 429 are refusals of clients that ask too much; the others answer none of their own.
    "service-refusals" = {
      title   = "A function has no instance for what it is sent"
      filter  = "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\" AND ${join(" AND ", [for name in keys(local.public) : "resource.labels.service_name!=\"${name}\""])} AND metric.label.response_code=\"429\""
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", group_by = ["resource.label.service_name"]
      above   = 20, window = 300, severity = "WARNING", runbook = "instances"
    }
    "memory" = {
      title   = "Instances run out of memory"
      filter  = "metric.type=\"run.googleapis.com/container/memory/utilizations\" AND resource.type=\"cloud_run_revision\""
      aligner = "ALIGN_PERCENTILE_99", reducer = "REDUCE_MAX", group_by = ["resource.label.service_name"]
      above   = 0.9, window = 300, severity = "WARNING", runbook = "instances"
    }
    # Of a sample: of requests that are traced Firestore is asked what a search took.
    "search-scans" = {
      title   = "Searches go through too much of the index"
      filter  = local.api_metric["search_entries"]
      aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX", group_by = []
      above   = var.thresholds.search_entries, window = 3600, severity = "WARNING", runbook = "slow-search"
    }
    "unreachable" = {
      title   = "The API does not answer from outside"
      filter  = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type=\"uptime_url\" AND metric.label.check_id=\"${google_monitoring_uptime_check_config.api.uptime_check_id}\""
      aligner = "ALIGN_NEXT_OLDER", reducer = "REDUCE_COUNT_FALSE", group_by = []
      above   = 1, window = 1200, severity = "CRITICAL", runbook = "unreachable"
    }
    # A stream holds its place for as long as it lasts, so this says that the places of streams run out.
    "streams-at-limit" = {
      title   = "Instances are nearly full of streams"
      filter  = "metric.type=\"run.googleapis.com/container/max_request_concurrencies\" AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"live\""
      aligner = "ALIGN_PERCENTILE_50", reducer = "REDUCE_MAX", group_by = []
      above   = 0.8 * local.functions.live.concurrency, window = 600, severity = "ERROR", runbook = "instances"
    }
    "instances-at-limit" = {
      title   = "A function has nearly all the instances it may have"
      filter  = "metric.type=\"run.googleapis.com/container/instance_count\" AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"api\""
      aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", group_by = []
      above   = 0.8 * local.instances.api, window = 300, severity = "ERROR", runbook = "instances"
    }
  }

  # Both kinds in one form.
  alerts = merge(local.platform_alerts, {
    for name, alert in local.log_alerts : name => merge(alert, {
      filter   = local.api_metric[alert.metric]
      aligner  = "ALIGN_SUM"
      reducer  = "REDUCE_SUM"
      group_by = []
    })
  })
}

resource "google_monitoring_alert_policy" "above" {
  for_each = local.alerts

  display_name          = each.value.title
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.above
      duration        = "0s"

      aggregations {
        alignment_period     = "${each.value.window}s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
        group_by_fields      = each.value.group_by
      }
    }
  }

  alert_strategy {
    auto_close = "1800s"
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

# Traffic is a spike when it is several times that of an hour ago, and not just little more than nothing.
resource "google_monitoring_alert_policy" "traffic_spike" {
  display_name          = "Traffic spike"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "${var.thresholds.traffic_factor} times the traffic of an hour ago"

    condition_prometheus_query_language {
      query = join(" and ", [
        "sum(rate(${local.requests_series}[5m])) > ${var.thresholds.traffic_factor} * sum(rate(${local.requests_series}[30m] offset 1h))",
        "sum(rate(${local.requests_series}[5m])) > ${var.thresholds.requests_per_second_min}",
      ])
      duration            = "300s"
      evaluation_interval = "60s"
      rule_group          = "scrollback"
      alert_rule          = "TrafficSpike"
    }
  }

  documentation {
    subject   = "Scrollback ${var.environment}: traffic spike"
    content   = "The API gets ${var.thresholds.traffic_factor} times the traffic of an hour ago. What to do: ${local.runbooks_url}/cost-spike.md"
    mime_type = "text/markdown"

    links {
      display_name = "Runbook"
      url          = "${local.runbooks_url}/cost-spike.md"
    }
  }
}

# A rollout that went back by itself is no emergency, but nobody else tells of it.
resource "google_monitoring_alert_policy" "rolled_back" {
  display_name          = "A rollout went back"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "Traffic was given back, or could not be"

    condition_matched_log {
      filter = "resource.type=\"global\" AND log_id(\"deployment\") AND (jsonPayload.event=\"deployment.rolled-back\" OR jsonPayload.event=\"deployment.failed\")"

      label_extractors = {
        command = "EXTRACT(jsonPayload.command)"
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "300s"
    }
  }

  documentation {
    subject   = "Scrollback ${var.environment}: a rollout went back"
    content   = "The candidate was worse than what served before, or could not be deployed. What to do: ${local.runbooks_url}/bad-deployment.md"
    mime_type = "text/markdown"

    links {
      display_name = "Runbook"
      url          = "${local.runbooks_url}/bad-deployment.md"
    }
  }
}

locals {
  requests_series = "logging_googleapis_com:user_${local.metric_names["api_requests"]}{monitored_resource=\"cloud_run_revision\"}"
}
