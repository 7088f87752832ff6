resource "google_monitoring_custom_service" "api" {
  service_id   = "scrollback-api"
  display_name = "Scrollback API"

  depends_on = [google_project_service.this]
}

resource "google_monitoring_slo" "availability" {
  service             = google_monitoring_custom_service.api.service_id
  slo_id              = "availability"
  display_name        = "Requests that do not fail on our side"
  goal                = var.objectives.availability
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      bad_service_filter   = local.api_metric["api_failures"]
      total_service_filter = local.api_metric["api_requests"]
    }
  }
}

resource "google_monitoring_slo" "latency" {
  service             = google_monitoring_custom_service.api.service_id
  slo_id              = "latency"
  display_name        = "Requests answered within ${var.objectives.latency_max_millis} ms"
  goal                = var.objectives.latency
  rolling_period_days = 28

  request_based_sli {
    distribution_cut {
      distribution_filter = local.api_metric["api_latency"]

      range {
        max = var.objectives.latency_max_millis
      }
    }
  }
}

locals {
  # How monitoring names a metric that is made from the logs of functions.
  api_metric = {
    for name, metric in merge(google_logging_metric.counter, google_logging_metric.distribution) :
    name => "metric.type=\"logging.googleapis.com/user/${metric.name}\" AND resource.type=\"cloud_run_revision\""
  }

  # A fast burn spends 2 % of the month's budget in an hour, a slow one 5 % in six: the pairs of windows and
  # rates are those of the SRE workbook. The short window lets an alert end soon after its cause.
  burns = merge([
    for objective, slo in {
      "error-rate" = google_monitoring_slo.availability
      latency      = google_monitoring_slo.latency
      } : {
      "${objective}-fast" = { runbook = objective, slo = slo.id, long = "3600s", short = "300s", rate = 14.4, severity = "CRITICAL" }
      "${objective}-slow" = { runbook = objective, slo = slo.id, long = "21600s", short = "1800s", rate = 6, severity = "WARNING" }
    }
  ]...)
}

resource "google_monitoring_alert_policy" "burn" {
  for_each = local.burns

  display_name          = "API: ${each.key} burn"
  combiner              = "AND"
  severity              = each.value.severity
  notification_channels = local.channels

  dynamic "conditions" {
    for_each = { long = each.value.long, short = each.value.short }

    content {
      display_name = "Budget burns ${each.value.rate} times too fast over ${conditions.value}"

      condition_threshold {
        filter          = "select_slo_burn_rate(\"${each.value.slo}\", \"${conditions.value}\")"
        comparison      = "COMPARISON_GT"
        threshold_value = each.value.rate
        duration        = "0s"
      }
    }
  }

  documentation {
    subject   = "Scrollback ${var.environment}: ${each.key} burn"
    content   = "The error budget of 28 days is being spent ${each.value.rate} times too fast. What to do: ${local.runbooks_url}/${each.value.runbook}.md"
    mime_type = "text/markdown"

    links {
      display_name = "Runbook"
      url          = "${local.runbooks_url}/${each.value.runbook}.md"
    }
  }
}
