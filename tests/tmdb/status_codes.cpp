#include "tests/tmdb/status_codes.hpp"

#include <algorithm>
#include <array>

namespace spool::standin {
namespace {

constexpr std::array kCodes{
    StatusCode{1, 200, "Success."},
    StatusCode{2, 501, "Invalid service: this service does not exist."},
    StatusCode{3, 401, "Authentication failed: You do not have permissions to access the service."},
    StatusCode{4, 405, "Invalid format: This service doesn't exist in that format."},
    StatusCode{5, 422, "Invalid parameters: Your request parameters are incorrect."},
    StatusCode{6, 404, "Invalid id: The pre-requisite id is invalid or not found."},
    StatusCode{7, 401, "Invalid API key: You must be granted a valid key."},
    StatusCode{8, 403, "Duplicate entry: The data you tried to submit already exists."},
    StatusCode{9, 503, "Service offline: This service is temporarily offline, try again later."},
    StatusCode{10, 401, "Suspended API key: Access to your account has been suspended."},
    StatusCode{11, 500, "Internal error: Something went wrong, contact TMDb."},
    StatusCode{12, 201, "The item/record was updated successfully."},
    StatusCode{13, 200, "The item/record was deleted successfully."},
    StatusCode{14, 401, "Authentication failed."},
    StatusCode{15, 500, "Failed."},
    StatusCode{16, 401, "Device denied."},
    StatusCode{17, 401, "Session denied."},
    StatusCode{18, 400, "Validation failed."},
    StatusCode{19, 406, "Invalid accept header."},
    StatusCode{20, 422, "Invalid date range."},
    StatusCode{21, 200, "Entry not found: The item you are trying to edit cannot be found."},
    StatusCode{22, 400,
               "Invalid page: Pages start at 1 and max at 500. They are expected to be "
               "an integer."},
    StatusCode{23, 400, "Invalid date: Format needs to be YYYY-MM-DD."},
    StatusCode{24, 504, "Your request to the backend server timed out. Try again."},
    StatusCode{25, 429, "Your request count (#) is over the allowed limit of (40)."},
    StatusCode{26, 400, "You must provide a username and password."},
    StatusCode{27, 400, "Too many append to response objects."},
    StatusCode{28, 400, "Invalid timezone."},
    StatusCode{29, 400, "You must confirm this action: Please provide a confirm=true parameter."},
    StatusCode{30, 401, "Invalid username and/or password."},
    StatusCode{31, 401, "Account disabled: Your account is no longer active."},
    StatusCode{32, 401, "Email not verified: Your email address has not been verified."},
    StatusCode{33, 401, "Invalid request token: The request token is either expired or invalid."},
    StatusCode{34, 404, "The resource you requested could not be found."},
    StatusCode{35, 401, "Invalid token."},
    StatusCode{36, 401, "This token hasn't been granted write permission by the user."},
    StatusCode{37, 404, "The requested session could not be found."},
    StatusCode{38, 401, "You don't have permission to edit this resource."},
    StatusCode{39, 401, "This resource is private."},
    StatusCode{40, 200, "Nothing to update."},
    StatusCode{41, 422, "This request token hasn't been approved by the user."},
    StatusCode{42, 405, "This request method is not supported for this resource."},
    StatusCode{43, 502, "Couldn't connect to the backend server."},
    StatusCode{44, 500, "The ID is invalid."},
    StatusCode{45, 403, "This user has been suspended."},
    StatusCode{46, 503, "The API is undergoing maintenance. Try again later."},
    StatusCode{47, 400, "The input is not valid."},
};

}  // namespace

const StatusCode* find_status_code(int code) {
  const auto* found = std::ranges::find(kCodes, code, &StatusCode::code);
  return found == kCodes.end() ? nullptr : found;
}

}  // namespace spool::standin
