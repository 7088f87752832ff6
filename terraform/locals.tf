# What is deployed stands in functions/manifest.json and firestore.indexes.json; the local suite reads the
# same files.
locals {
  manifest  = jsondecode(file("${path.module}/../functions/manifest.json"))
  indexes   = jsondecode(file("${path.module}/../firestore.indexes.json"))
  region    = local.manifest.region
  functions = local.manifest.functions

  # A function's address of this form is known before the function exists, so that functions can name each
  # other.
  functions_url = "https://${local.region}-${var.project_id}.cloudfunctions.net"
  public_url    = "https://${var.domain}"

  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"

  runbooks_url = "https://github.com/${var.repository.owner}/${var.repository.name}/blob/${var.repository.branch}/docs/runbooks"
}
