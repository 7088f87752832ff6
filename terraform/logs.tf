resource "google_logging_project_bucket_config" "functions" {
  project          = var.project_id
  location         = local.region
  bucket_id        = "functions"
  retention_days   = var.log_retention_days
  enable_analytics = true
  description      = "Logs of functions, in their region, to be asked with SQL too."
}

resource "google_logging_project_sink" "functions" {
  name        = "functions"
  description = "What functions write."
  destination = "logging.googleapis.com/${google_logging_project_bucket_config.functions.id}"
  filter      = local.of_functions

  unique_writer_identity = true
}

# Without this they would be kept, and paid for, a second time.
resource "google_logging_project_exclusion" "functions" {
  name        = "functions"
  description = "Kept in the bucket functions."
  filter      = local.of_functions
}
