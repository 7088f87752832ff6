resource "google_monitoring_custom_service" "api" {
  service_id   = "scrollback-api"
  display_name = "Scrollback API"

  depends_on = [google_project_service.this]
}

# As clients see it: what the load balancer answers in the place of an instance that died counts too. Latency
# has to be ours, since streams would last for the load balancer as long as they are open.
locals {
  balanced_requests = "metric.type=\"loadbalancing.googleapis.com/https/request_count\" AND resource.type=\"https_lb_rule\" AND resource.label.url_map_name=\"${google_compute_url_map.api.name}\""
}

resource "google_monitoring_slo" "availability" {
  service             = google_monitoring_custom_service.api.service_id
  slo_id              = "availability"
  display_name        = "Requests that do not fail on our side"
  goal                = var.objectives.availability
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      bad_service_filter   = "${local.balanced_requests} AND metric.label.response_code_class=\"500\""
      total_service_filter = local.balanced_requests
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
