resource "google_service_account" "function" {
  for_each = local.functions

  account_id   = "fn-${each.key}"
  display_name = "Function ${each.key}"
  description  = "What ${each.key} runs as; terraform/access.tf says what it may do."

  depends_on = [google_project_service.this]
}

# In its name Pub/Sub, Cloud Tasks and Cloud Scheduler call functions; the functions check its tokens
# themselves too.
resource "google_service_account" "invoker" {
  account_id   = "invoker"
  display_name = "Invoker of background functions"

  depends_on = [google_project_service.this]
}

# Three accounts where one would do: what tests can neither build an image nor deploy, nor ask for tokens of
# who can.
locals {
  build_accounts = {
    # Builds of the trigger `test` run as it, with every package that tests need.
    tester = {
      display = "Cloud Build: tests and bundles"
      roles   = ["roles/logging.logWriter"]
    }
    # A rollout has the images of functions built as it.
    imager = {
      display = "Cloud Build: images of functions"
      roles   = ["roles/run.builder"]
    }
    # Builds of the trigger `deploy` run as it. It asks Cloud Build whether the tests have passed.
    deployer = {
      display = "Rolls out: new revisions and their traffic"
      roles   = ["roles/cloudbuild.builds.viewer", "roles/logging.viewer", "roles/logging.logWriter", "roles/monitoring.viewer", "roles/run.sourceDeveloper", "roles/serviceusage.serviceUsageConsumer"]
    }
  }
}

resource "google_service_account" "build" {
  for_each = local.build_accounts

  account_id   = each.key
  display_name = each.value.display

  depends_on = [google_project_service.this]
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = { for name, spec in local.functions : name => spec if spec.trigger != "http" }

  location = local.region
  name     = google_cloud_run_v2_service.this[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.invoker.member
}

resource "google_project_iam_member" "build" {
  for_each = merge([
    for name, account in local.build_accounts : {
      for role in account.roles : "${name}/${role}" => { account = name, role = role }
    }
  ]...)

  project = var.project_id
  role    = each.value.role
  member  = google_service_account.build[each.value.account].member
}

# Deploying a function means running code as its account.
resource "google_service_account_iam_member" "deployer_deploys" {
  for_each = local.functions

  service_account_id = google_service_account.function[each.key].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.build["deployer"].member
}

# Whoever has an image built names the account that builds it.
resource "google_service_account_iam_member" "deployer_has_images_built" {
  service_account_id = google_service_account.build["imager"].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.build["deployer"].member
}

# The smoke test calls background functions in the invoker's name.
resource "google_service_account_iam_member" "deployer_tries_out" {
  service_account_id = google_service_account.invoker.name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = google_service_account.build["deployer"].member
}
