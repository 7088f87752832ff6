resource "google_service_account" "function" {
  for_each = local.functions

  account_id   = "fn-${each.key}"
  display_name = "Function ${each.key}"
  description  = "What ${each.key} runs as; terraform/access.tf says what it may do."

  depends_on = [google_project_service.this]
}

# In its name Pub/Sub, Cloud Tasks and Cloud Scheduler call functions; the functions check its tokens themselves too.
resource "google_service_account" "invoker" {
  account_id   = "invoker"
  display_name = "Invoker of background functions"

  depends_on = [google_project_service.this]
}

resource "google_service_account" "builder" {
  account_id   = "builder"
  display_name = "Cloud Build: tests, builds and rolls out"

  depends_on = [google_project_service.this]
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = { for name, spec in local.functions : name => spec if spec.trigger != "http" }

  location = local.region
  name     = google_cloudfunctions2_function.this[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.invoker.member
}

# The API proves its callers itself, by access token, API token or operator key.
resource "google_cloud_run_v2_service_iam_member" "public" {
  for_each = { for name, spec in local.functions : name => spec if try(spec.public, false) }

  location = local.region
  name     = google_cloudfunctions2_function.this[each.key].name
  role     = "roles/run.invoker"
  member   = "allUsers"
}

locals {
  builder_roles = toset([
    "roles/cloudbuild.builds.builder",
    "roles/cloudfunctions.developer",
    "roles/logging.viewer",
    "roles/monitoring.viewer",
    "roles/run.developer",
  ])
}

resource "google_project_iam_member" "builder" {
  for_each = local.builder_roles

  project = var.project_id
  role    = each.key
  member  = google_service_account.builder.member
}

# Deploying a function means running code as its account.
resource "google_service_account_iam_member" "builder_deploys" {
  for_each = local.functions

  service_account_id = google_service_account.function[each.key].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.builder.member
}

# A function names the builder's account for its own build.
resource "google_service_account_iam_member" "builder_builds" {
  service_account_id = google_service_account.builder.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.builder.member
}
