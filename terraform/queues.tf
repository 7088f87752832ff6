resource "google_cloud_tasks_queue" "this" {
  for_each = local.manifest.queues

  name     = each.key
  location = local.region

  rate_limits {
    max_dispatches_per_second = each.value.maxDispatchesPerSecond
    max_concurrent_dispatches = each.value.maxConcurrentDispatches
  }

  retry_config {
    # Cloud Tasks gives a task up once both of these are met.
    max_attempts       = each.value.maxAttempts
    max_retry_duration = "${each.value.retrySeconds}s"
    min_backoff        = "${each.value.minBackoffSeconds}s"
    max_backoff        = "${each.value.maxBackoffSeconds}s"
    max_doublings      = each.value.maxDoublings
  }

  # Failed attempts are logged by the function; a tenth of all operations is enough to see a queue at work.
  stackdriver_logging_config {
    sampling_ratio = 0.1
  }

  depends_on = [google_project_service.this]
}

resource "google_cloud_scheduler_job" "this" {
  for_each = local.manifest.schedules

  name             = each.key
  region           = local.region
  schedule         = each.value.cron
  time_zone        = each.value.timeZone
  attempt_deadline = "${each.value.deadlineSeconds}s"

  http_target {
    http_method = "POST"
    uri         = local.function_urls[each.value.function]
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode("{}")

    oidc_token {
      service_account_email = google_service_account.invoker.email
      audience              = local.function_urls[each.value.function]
    }
  }

  # A run that fails is made good by the next.
  retry_config {
    retry_count = 0
  }

  depends_on = [google_project_service.this]
}
