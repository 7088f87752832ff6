# Where functions' logs go by themselves; only how long they are kept is ours to say.
resource "google_logging_project_bucket_config" "default" {
  project          = var.project_id
  location         = "global"
  bucket_id        = "_Default"
  retention_days   = var.log_retention_days
  enable_analytics = true

  depends_on = [google_project_service.this]
}

# Who tried to get in is kept as long as the security events that the database holds.
resource "google_logging_project_bucket_config" "security" {
  project        = var.project_id
  location       = local.region
  bucket_id      = "security"
  retention_days = 400
  description    = "Failed sign-ins, refused tokens, and what operators did."

  depends_on = [google_project_service.this]
}

locals {
  security_filters = [
    local.counters.failed_logins.filter,
    local.counters.refused_tokens.filter,
    local.counters.reused_refresh_tokens.filter,
    "jsonPayload.endpoint:\"/v1/operator/\"",
  ]
}

resource "google_logging_project_sink" "security" {
  name        = "security"
  description = "Kept longer than other logs."
  destination = "logging.googleapis.com/${google_logging_project_bucket_config.security.id}"
  filter      = "resource.type=\"cloud_run_revision\" AND (${join(" OR ", [for filter in local.security_filters : "(${filter})"])})"

  unique_writer_identity = true
}
