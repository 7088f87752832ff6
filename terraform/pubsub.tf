resource "google_pubsub_topic" "this" {
  for_each = local.manifest.topics

  name                       = each.key
  message_retention_duration = try("${each.value.retentionSeconds}s", null)

  message_storage_policy {
    allowed_persistence_regions = [local.region]
  }

  depends_on = [google_project_service.this]
}

resource "google_pubsub_subscription" "this" {
  for_each = local.manifest.subscriptions

  name                    = each.key
  topic                   = google_pubsub_topic.this[each.value.topic].id
  ack_deadline_seconds    = each.value.ackDeadlineSeconds
  enable_message_ordering = each.value.ordered
  filter                  = try(each.value.filter, null)

  # An empty policy means that it never expires; an absent one, after 31 quiet days.
  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "${each.value.minBackoffSeconds}s"
    maximum_backoff = "${each.value.maxBackoffSeconds}s"
  }

  dynamic "push_config" {
    for_each = try([each.value.function], [])

    content {
      push_endpoint = local.function_urls[push_config.value]

      oidc_token {
        service_account_email = google_service_account.invoker.email
        audience              = local.function_urls[push_config.value]
      }
    }
  }

  dynamic "dead_letter_policy" {
    for_each = try([each.value.deadLetterTopic], [])

    content {
      dead_letter_topic     = google_pubsub_topic.this[dead_letter_policy.value].id
      max_delivery_attempts = try(each.value.maxDeliveryAttempts, 5)
    }
  }
}

# Pub/Sub itself moves what was delivered too often: it publishes there and acknowledges here.
resource "google_pubsub_topic_iam_member" "dead_letters" {
  for_each = toset([for name, spec in local.manifest.subscriptions : spec.deadLetterTopic if can(spec.deadLetterTopic)])

  topic  = google_pubsub_topic.this[each.key].name
  role   = "roles/pubsub.publisher"
  member = google_project_service_identity.agent["pubsub.googleapis.com"].member
}

resource "google_pubsub_subscription_iam_member" "dead_letters" {
  for_each = { for name, spec in local.manifest.subscriptions : name => spec if can(spec.deadLetterTopic) }

  subscription = google_pubsub_subscription.this[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = google_project_service_identity.agent["pubsub.googleapis.com"].member
}
