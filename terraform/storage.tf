# Under this name a rollout keeps the sources of revisions.
resource "google_storage_bucket" "sources" {
  name                        = "run-sources-${var.project_id}-${local.region}"
  location                    = local.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  lifecycle_rule {
    condition {
      age = 90
    }

    action {
      type = "Delete"
    }
  }

  depends_on = [google_project_service.this]
}

locals {
  files = local.manifest.buckets.files
}

# What people upload and what is kept of it after it was checked. Nobody but functions gets in without an
# address that they have signed.
resource "google_storage_bucket" "files" {
  name                        = "${var.project_id}-files"
  location                    = local.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  # Pages upload to and load from signed addresses.
  cors {
    origin          = concat([local.public_url], var.allowed_origins)
    method          = local.files.cors.methods
    response_header = local.files.cors.headers
    max_age_seconds = 3600
  }

  # Nothing is written over, so versions would keep only what was deleted; that can be had back for so long.
  soft_delete_policy {
    retention_duration_seconds = local.files.softDeleteSeconds
  }

  # Uploads that nobody has checked by then are nobody's.
  dynamic "lifecycle_rule" {
    for_each = local.files.expire

    content {
      condition {
        age            = lifecycle_rule.value.days
        matches_prefix = [lifecycle_rule.value.prefix]
      }

      action {
        type = "Delete"
      }
    }
  }

  lifecycle_rule {
    condition {
      age = 1
    }

    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }

  depends_on = [google_project_service.this]
}

# Cloud Storage itself publishes, as an account that is made when it is first asked for.
data "google_storage_project_service_account" "this" {
  depends_on = [google_project_service.this]
}

resource "google_pubsub_topic_iam_member" "bucket" {
  for_each = toset([for notify in local.files.notify : notify.topic])

  topic  = google_pubsub_topic.this[each.key].name
  role   = "roles/pubsub.publisher"
  member = data.google_storage_project_service_account.this.member
}

# At least once for each object that is whole; what is lost nevertheless `tend-files` finds.
resource "google_storage_notification" "files" {
  for_each = { for notify in local.files.notify : notify.topic => notify }

  bucket             = google_storage_bucket.files.name
  topic              = google_pubsub_topic.this[each.key].id
  object_name_prefix = each.value.prefix
  event_types        = ["OBJECT_FINALIZE"]
  payload_format     = "JSON_API_V1"

  depends_on = [google_pubsub_topic_iam_member.bucket]
}
