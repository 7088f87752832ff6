# Where this deployment is one of several cells (docs/cells.md): what they may do here. Each cell is a project
# with a state of its own, made by this same configuration; the one that an app moves from writes into the one
# that it moves to.
variable "cell" {
  description = "Which of `cells` this deployment is; null: it is alone."
  type        = string
  default     = null

  validation {
    condition     = var.cell == null || can(regex("^[a-z][a-z0-9-]{0,29}$", var.cell))
    error_message = "A cell has a short name in small letters, such as west."
  }
}

variable "cells" {
  description = "All cells of which this deployment is one, the same list in each (docs/cells.md); the first keeps the directory of apps."
  type = list(object({
    name     = string
    url      = string
    project  = string
    database = optional(string)
    bucket   = string
  }))
  default = []

  validation {
    condition     = alltrue([for cell in var.cells : startswith(cell.url, "https://")])
    error_message = "Cells are reached over https."
  }
}

locals {
  other_cells = { for cell in var.cells : cell.name => cell if cell.name != var.cell }
  # The first keeps the directory, in which all look apps up.
  keeps_directory = var.cell != null && try(var.cells[0].name, null) == var.cell
  account_in      = { for name in keys(local.functions) : name => "fn-${name}" }
}

resource "google_project_iam_member" "moving_cells" {
  for_each = local.other_cells

  project = var.project_id
  role    = "roles/datastore.user"
  member  = "serviceAccount:${local.account_in["run-job"]}@${each.value.project}.iam.gserviceaccount.com"

  depends_on = [google_project_service.this]
}

resource "google_storage_bucket_iam_member" "moving_cells" {
  for_each = local.other_cells

  bucket = google_storage_bucket.files.name
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${local.account_in["run-job"]}@${each.value.project}.iam.gserviceaccount.com"
}

# Every function of a cell asks where an app is that it does not have; the API takes the ids of new apps.
resource "google_project_iam_member" "directory" {
  for_each = merge([
    for cell in values(local.other_cells) : {
      for name, account in local.account_in : "${cell.name}/${name}" => { project = cell.project, account = account, name = name } if local.keeps_directory && name != "run-job"
    }
  ]...)

  project = var.project_id
  role    = each.value.name == "api" ? "roles/datastore.user" : "roles/datastore.viewer"
  member  = "serviceAccount:${each.value.account}@${each.value.project}.iam.gserviceaccount.com"

  depends_on = [google_project_service.this]
}
