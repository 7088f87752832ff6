# Metrics from the log lines that functions write. Tests evaluate these filters on lines of the running
# system, each caused by what the metric is to count.
locals {
  by_endpoint = { endpoint = "EXTRACT(jsonPayload.endpoint)" }
  by_outcome  = { outcome = "EXTRACT(jsonPayload.outcome)" }
  by_function = { function = "EXTRACT(jsonPayload.function)" }

  # Lines of requests to the API, whichever function serves them.
  of_api = "(${join(" OR ", [for name in keys(local.public) : "jsonPayload.function=\"${name}\""])})"

  counters = {
    api_requests = {
      description = "Requests to the API."
      filter      = "${local.of_api} AND jsonPayload.endpoint:*"
      labels      = merge(local.by_endpoint, local.by_outcome)
    }
    api_failures = {
      description = "Requests to the API that failed on our side."
      filter      = "${local.of_api} AND httpRequest.status>=500"
      labels      = merge(local.by_endpoint, local.by_outcome)
    }
    api_unavailable = {
      description = "Requests and deliveries that failed because Firestore, Pub/Sub, Cloud Tasks or Cloud KMS did not answer."
      filter      = "jsonPayload.outcome=\"unavailable\""
      labels      = local.by_function
    }
    failed_logins = {
      description = "Sign-ins with a wrong code, and refusals for having tried too often."
      filter      = "${local.of_api} AND jsonPayload.endpoint=~\"/auth/\" AND (jsonPayload.outcome=\"code_invalid\" OR jsonPayload.outcome=\"quota_exceeded\")"
      labels      = local.by_outcome
    }
    refused_tokens = {
      description = "Requests with a token that is not ours, or was revoked."
      filter      = "${local.of_api} AND (jsonPayload.outcome=\"token_invalid\" OR jsonPayload.outcome=\"token_revoked\")"
      labels      = local.by_outcome
    }
    reused_refresh_tokens = {
      description = "Refresh tokens that came a second time: one of two holders has stolen it."
      filter      = "jsonPayload.event=\"refresh-token.reused\""
      labels      = {}
    }
    background_runs = {
      description = "Events, tasks and schedules that were handled."
      filter      = "jsonPayload.trigger:* AND severity<ERROR"
      labels      = local.by_function
    }
    background_failures = {
      description = "Events, tasks and schedules that failed."
      filter      = "jsonPayload.trigger:* AND severity>=ERROR"
      labels      = merge(local.by_function, local.by_outcome)
    }
    dead_letters = {
      description = "Deliveries that were given up and are kept."
      filter      = "jsonPayload.event=\"dead-letter.kept\""
      labels      = { function = "EXTRACT(jsonPayload.deadFunction)", cause = "EXTRACT(jsonPayload.cause)" }
    }
    failed_jobs = {
      description = "Jobs of operators, such as migrations and replays, that were given up."
      filter      = "jsonPayload.event=\"job.failed\""
      labels      = { kind = "EXTRACT(jsonPayload.kind)" }
    }
    reconciler_findings = {
      description = "Runs of schedules that found lost events, answers, jobs or uploads, or counters and search entries that were behind, and made them good."
      filter      = "jsonPayload.trigger=\"schedule\" AND (jsonPayload.announced>0 OR jsonPayload.recovered>0 OR jsonPayload.repaired>0 OR jsonPayload.behind>0 OR jsonPayload.wrong>0)"
      labels      = local.by_function
    }
    missing_messages = {
      description = "Audits that found numbers without what was numbered: data is missing."
      filter      = "jsonPayload.function=\"audit\" AND jsonPayload.missing>0"
      labels      = {}
    }
    failed_answers = {
      description = "Calls to a model that it did not answer."
      filter      = "jsonPayload.error.name=\"ModelFailure\" AND jsonPayload.model:*"
      labels      = { model = "EXTRACT(jsonPayload.model)" }
    }
    misconfigured_models = {
      description = "Models that can't be used as they are configured: a key, a name, a price, the account's credit."
      filter      = "jsonPayload.event=\"model.misconfigured\""
      labels      = {}
    }
    breaker_openings = {
      description = "Models that are not asked any more for a while, because they kept failing."
      filter      = "jsonPayload.event=\"breaker.opened\" AND severity>=WARNING"
      labels      = { model = "EXTRACT(jsonPayload.model)", provider = "EXTRACT(jsonPayload.provider)" }
    }
    budgets_exhausted = {
      description = "Requests refused because an app has used up what it may spend on models."
      filter      = "jsonPayload.event=\"budget.exhausted\""
      labels      = { app = "EXTRACT(jsonPayload.app)" }
    }
    answers = {
      description = "Answers that have ended, by model, lane and who gave them."
      filter      = "jsonPayload.event=\"answer.ended\""
      labels = {
        model  = "EXTRACT(jsonPayload.model)"
        lane   = "EXTRACT(jsonPayload.lane)"
        served = "EXTRACT(jsonPayload.served)"
        status = "EXTRACT(jsonPayload.status)"
      }
    }
    crashes = {
      description = "Instances that ended by an exception, and rejections that nobody handled."
      filter      = "severity=\"CRITICAL\" OR jsonPayload.message=\"A rejection was not handled.\""
      labels      = {}
    }
  }

  distributions = {
    api_latency = {
      description = "How long requests to the API took, without the time that a stream was open."
      filter      = local.counters.api_requests.filter
      value       = "EXTRACT(jsonPayload.latencyMs)"
      unit        = "ms"
      labels      = local.by_endpoint
    }
    answer_tokens = {
      description = "Tokens of questions and answers."
      filter      = local.counters.answers.filter
      value       = "EXTRACT(jsonPayload.tokens)"
      unit        = "1"
      labels      = { model = "EXTRACT(jsonPayload.model)" }
    }
    answer_cost = {
      description = "What answers cost, in millionths of the currency of the price list."
      filter      = local.counters.answers.filter
      value       = "EXTRACT(jsonPayload.costMicros)"
      unit        = "1"
      labels      = { model = "EXTRACT(jsonPayload.model)" }
    }
    answer_first_word = {
      description = "How long models took to the first word."
      filter      = "${local.counters.answers.filter} AND jsonPayload.firstTokenMs:*"
      value       = "EXTRACT(jsonPayload.firstTokenMs)"
      unit        = "ms"
      labels      = { model = "EXTRACT(jsonPayload.model)" }
    }
    search_entries = {
      description = "Entries of indexes that Firestore went through for a query of the search index, where it says so."
      filter      = "jsonPayload.event=\"search.explained\" AND jsonPayload.entriesScanned:*"
      value       = "EXTRACT(jsonPayload.entriesScanned)"
      unit        = "1"
      labels      = {}
    }
    background_latency = {
      description = "How long handling an event, task or schedule took."
      filter      = "jsonPayload.trigger:*"
      value       = "EXTRACT(jsonPayload.latencyMs)"
      unit        = "ms"
      labels      = local.by_function
    }
  }
}

resource "google_logging_metric" "counter" {
  for_each = local.counters

  name             = each.key
  description      = each.value.description
  filter           = "resource.type=\"cloud_run_revision\" AND (${each.value.filter})"
  label_extractors = each.value.labels

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    dynamic "labels" {
      for_each = each.value.labels

      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_logging_metric" "distribution" {
  for_each = local.distributions

  name             = each.key
  description      = each.value.description
  filter           = "resource.type=\"cloud_run_revision\" AND (${each.value.filter})"
  value_extractor  = each.value.value
  label_extractors = each.value.labels

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = each.value.unit

    dynamic "labels" {
      for_each = each.value.labels

      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }

  # From 1 ms to 68 s, each bound a fifth above the one before: percentiles are right to 10 %.
  bucket_options {
    exponential_buckets {
      num_finite_buckets = 61
      growth_factor      = 1.2
      scale              = 1
    }
  }

  depends_on = [google_project_service.this]
}

# Monitoring knows a metric that is made from logs only minutes later, and refuses until then whatever names
# it. Another set of metrics is waited for again.
resource "time_sleep" "metrics_known" {
  create_duration = "600s"

  triggers = { for name, metric in merge(google_logging_metric.counter, google_logging_metric.distribution) : name => metric.name }
}

locals {
  # How monitoring names a metric that is made from the logs of functions. Whoever says it so has waited.
  metric_names = { for name in keys(merge(local.counters, local.distributions)) : name => time_sleep.metrics_known.triggers[name] }
  api_metric   = { for name, metric in local.metric_names : name => "metric.type=\"logging.googleapis.com/user/${metric}\" AND resource.type=\"cloud_run_revision\"" }
}
