resource "google_storage_bucket" "sources" {
  name                        = "${var.project_id}-sources"
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

resource "google_storage_bucket" "files" {
  name                        = "${var.project_id}-files"
  location                    = local.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  # Pages upload to and load from signed URLs.
  dynamic "cors" {
    for_each = length(var.allowed_origins) == 0 ? [] : [var.allowed_origins]

    content {
      origin          = cors.value
      method          = ["GET", "HEAD", "PUT"]
      response_header = ["Content-Type", "Content-Range", "ETag", "Range"]
      max_age_seconds = 3600
    }
  }

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  # What was replaced or deleted is gone for good after a week.
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 7
    }

    action {
      type = "Delete"
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
