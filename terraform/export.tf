# Backups lie in the database's region; once a day all of it is written into another one. What is restored
# from either is another database, which functions serve once `database_id` names it.
resource "google_storage_bucket" "exports" {
  name                        = "${var.project_id}-exports"
  location                    = var.export_region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  # As long as the daily backups are kept.
  lifecycle_rule {
    condition {
      age = 7
    }

    action {
      type = "Delete"
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_service_account" "exporter" {
  account_id   = "exporter"
  display_name = "Begins the daily export of the database"

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "exporter" {
  project = var.project_id
  role    = "roles/datastore.importExportAdmin"
  member  = google_service_account.exporter.member
}

resource "google_storage_bucket_iam_member" "exporter" {
  bucket = google_storage_bucket.exports.name
  role   = "roles/storage.admin"
  member = google_service_account.exporter.member
}

# Each export makes a folder of its own, named after the time.
resource "google_cloud_scheduler_job" "export" {
  name             = "export"
  region           = local.region
  schedule         = "11 2 * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"

  http_target {
    http_method = "POST"
    uri         = "https://firestore.googleapis.com/v1/projects/${var.project_id}/databases/${var.database_id}:exportDocuments"
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode(jsonencode({ outputUriPrefix = "gs://${google_storage_bucket.exports.name}" }))

    oauth_token {
      service_account_email = google_service_account.exporter.email
    }
  }

  retry_config {
    retry_count = 3
  }

  depends_on = [google_project_iam_member.exporter, google_storage_bucket_iam_member.exporter]
}

# A restored database comes with data and indexes, and without times to live, rules and backups of its own.
locals {
  restored = toset([for name in [var.database_id] : name if name != "(default)"])
}

resource "google_firestore_field" "restored" {
  for_each = { for field in local.indexes.fieldOverrides : "${field.collectionGroup}/${field.fieldPath}" => field if length(local.restored) > 0 && try(field.ttl, false) }

  database   = var.database_id
  collection = each.value.collectionGroup
  field      = each.value.fieldPath

  index_config {
    dynamic "indexes" {
      for_each = each.value.indexes

      content {
        query_scope  = indexes.value.queryScope
        order        = try(indexes.value.order, null)
        array_config = try(indexes.value.arrayConfig, null)
      }
    }
  }

  ttl_config {}

  depends_on = [google_project_service.this]
}

resource "google_firebaserules_release" "restored" {
  for_each = local.restored

  name         = "cloud.firestore/${each.key}"
  ruleset_name = google_firebaserules_ruleset.firestore.name
}

resource "google_firestore_backup_schedule" "restored_daily" {
  for_each = local.restored

  database  = each.key
  retention = "604800s"

  daily_recurrence {}

  depends_on = [google_project_service.this]
}

resource "google_firestore_backup_schedule" "restored_weekly" {
  for_each = local.restored

  database  = each.key
  retention = "8467200s"

  weekly_recurrence {
    day = "SUNDAY"
  }

  depends_on = [google_project_service.this]
}
