# What is deployed stands in functions/manifest.json and firestore.indexes.json; the local suite reads the
# same files.
locals {
  manifest  = jsondecode(file("${path.module}/../functions/manifest.json"))
  indexes   = jsondecode(file("${path.module}/../firestore.indexes.json"))
  region    = local.manifest.region
  functions = local.manifest.functions

  # A service's address of this form is known before the service exists, so that functions can name each
  # other.
  functions_url = "https://{function}-${data.google_project.this.number}.${local.region}.run.app"
  function_urls = { for name in keys(local.functions) : name => replace(local.functions_url, "{function}", name) }
  public_url    = "https://${var.domain}"

  runbooks_url = "https://github.com/${var.repository.owner}/${var.repository.name}/blob/${var.repository.branch}/docs/runbooks"
}
